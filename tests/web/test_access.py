from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from seetell.web.access import LOOPBACK, Access, client_address, own_names
from seetell.web.errors import ApiError


def status(access: Access, **headers: str) -> int:
    """Return the status of a request to the API with these headers; 200 if it is allowed."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        access.check("/v1/models", Headers(raw=raw))
    except ApiError as error:
        return error.status
    return 200


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "192.168.1.5:8000", "[fe80::1]:8000"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://evil.example:8000", "http://localhost:3000", "null", "", "file://", "http://[::1"],
)
def test_pages_of_other_origins_are_foreign(host: str, origin: str):
    access = Access(LOOPBACK, addresses=True)
    assert status(access, host=host, origin=origin) == 403
    assert status(access, host=host, origin=origin, sec_fetch_site="same-origin") == 403
    assert status(access, host=host) == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("LocalHost:8000", "http://localhost:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("localhost", "http://localhost"),
        ("localhost", "https://localhost"),
        ("localhost:80", "http://localhost"),
    ],
)
def test_the_servers_own_page_is_not(host: str, origin: str):
    assert status(Access(), host=host, origin=origin) == 200
    assert status(Access(), host=host, origin=origin, sec_fetch_site="same-origin") == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_calls_foreign_is_foreign(site: str):
    assert status(Access(), host="localhost:8000", sec_fetch_site=site) == 403
    named = Access(origins=("http://localhost:3000",))
    assert status(named, host="localhost:8000", origin="http://localhost:3000", sec_fetch_site=site) == 200


def test_a_rebound_name_leads_nowhere():
    open_to_all = Access(own_names("0.0.0.0"), addresses=True)
    assert status(open_to_all, host="192.168.1.5:8000", origin="http://192.168.1.5:8000") == 200
    assert status(open_to_all, host="evil.example:8000", origin="http://evil.example:8000") == 421


@pytest.mark.parametrize("key", ["schlüssel für die tür", "ключ от двери дома", "a key that nobody guesses"])
def test_keys_may_have_any_letters(key: str):
    access = Access(None, key=key)
    assert status(access, host="a", authorization=f"Bearer {key}") == 200
    assert status(access, host="a", authorization=f"Bearer {key}?") == 401
    assert status(access, host="a", authorization="Bearer " + "?" * len(key)) == 401


def test_a_key_may_come_in_latin_1():
    access = Access(None, key="schlüssel für die tür")
    access.check("/v1/models", Headers(raw=[(b"authorization", "Bearer schlüssel für die tür".encode("latin-1"))]))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "no:address"),
    ],
)
def test_a_client_is_its_address_or_its_network(host: str, address: str):
    assert client_address({"client": (host, 1)}) == address
    assert client_address({"client": None}) == ""
