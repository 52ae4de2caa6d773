"""Requests made up from the description are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web.conftest import Serving

from seetell.web.application import application
from seetell.web.indexed_photos import IndexedPhotos

pytestmark = pytest.mark.slow


@pytest.fixture
def address(predictors: dict[str, Any], photos: IndexedPhotos, serving: Serving) -> Iterator[str]:
    with serving(application(predictors, photos=photos)) as port:
        yield f"http://127.0.0.1:{port}/openapi.json"


@pytest.mark.nightly
def test_every_answer_is_one_that_is_described(address: str):
    asked = 0
    for found in schemathesis.openapi.from_url(address).get_all_operations():

        @settings(
            max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=found.ok().as_strategy())
        def answered_as_described(case: Case) -> None:
            case.call_and_validate(excluded_checks=[positive_data_acceptance])  # no schema tells what a photo is

        answered_as_described()
        asked += 1
    assert asked == 8
