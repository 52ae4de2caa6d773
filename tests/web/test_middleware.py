from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from web.conftest import ADDRESS, photo_file

from seetell.tasks.captioning.predict import Captioner
from seetell.web.access import Access
from seetell.web.application import application
from seetell.web.limits import Limits
from seetell.web.middleware import HEADERS

KEY = "a key that nobody guesses"


@pytest.fixture
def locked(captioner: Captioner) -> Iterator[TestClient]:
    access = Access(key=KEY, origins=("https://example.org",))
    with TestClient(application({"caption": captioner}, access=access), base_url=ADDRESS) as client:
        yield client


@pytest.mark.slow
def test_every_answer_carries_its_id_and_keeps_the_browser_to_this_server(client: TestClient):
    for path in ("/", "/page/main.js", "/nothing", "/v1/models"):
        answer = client.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert len(answer.headers["x-request-id"]) == 32
    assert client.get("/", headers={"X-Request-ID": "from-the_proxy.1"}).headers["x-request-id"] == "from-the_proxy.1"
    assert client.get("/", headers={"X-Request-ID": "<script>"}).headers["x-request-id"] != "<script>"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "",
        "[::1",
        "localhost.evil.example",
        "evil.example/@localhost",
        "evil@localhost",
    ],
)
def test_other_names_than_this_machines_are_refused(client: TestClient, host: str):
    refused = client.get("/v1/models", headers={"Host": host})
    assert (refused.status_code, refused.json()["code"]) == (421, "unknown_host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machines_names_are_known(client: TestClient, host: str):
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "given", [{}, {"Authorization": KEY}, {"Authorization": f"Bearer {KEY}!"}, {"Authorization": "Bearer ü"}]
)
def test_without_the_key_only_the_page_is_served(locked: TestClient, given: dict[str, str]):
    for path in ("/v1/models", "/metrics", "/v1/anything"):
        refused = locked.get(path, headers={name: value.encode() for name, value in given.items()})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["www-authenticate"] == "Bearer"
    refused = locked.post("/v1/caption", files={"image": photo_file()})
    assert refused.status_code == 401
    for path in ("/", "/page/main.js", "/healthz", "/openapi.json"):
        assert locked.get(path).status_code == 200


def test_with_the_key_everything_is(locked: TestClient):
    locked.headers["Authorization"] = f"bearer {KEY}"
    assert locked.get("/metrics").status_code == 200
    assert locked.post("/v1/caption", files={"image": photo_file()}).status_code == 200


def test_pages_of_other_sites_may_ask_only_if_named(locked: TestClient):
    locked.headers |= {"Authorization": f"Bearer {KEY}", "Sec-Fetch-Site": "cross-site"}
    refused = locked.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_origin")
    allowed = locked.get("/v1/models", headers={"Origin": "https://example.org"})
    assert allowed.headers["access-control-allow-origin"] == "https://example.org"
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    del locked.headers["Authorization"]
    assert locked.options("/v1/caption", headers=asked).status_code == 200
    assert locked.get("/").status_code == 200


def test_too_many_requests_are_told_when_to_come_back(captioner: Captioner):
    with TestClient(application({"caption": captioner}, limits=Limits(per_minute=2)), base_url=ADDRESS) as client:
        assert [client.get("/v1/models").status_code for _ in range(3)] == [200, 200, 429]
        refused = client.post("/v1/caption", files={"image": photo_file()})
        assert refused.json()["code"] == "too_many_requests"
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert client.get("/healthz").status_code == 200


def test_a_wrong_method_and_a_wrong_path_are_told_as_every_error_is(client: TestClient):
    for answer, status in ((client.get("/v1/caption"), 405), (client.get("/v2/caption"), 404)):
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "code", "request_id"}


@pytest.mark.parametrize(
    "name", ["", "../application.py", "..%2fapplication.py", "%2e%2e/gate.py", "application.py", "page"]
)
def test_of_the_disk_only_the_pages_files_are_served(client: TestClient, name: str):
    answer = client.get(f"/page/{name}")
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_the_page_is_sent_once(client: TestClient):
    first = client.get("/page/page.css")
    assert first.headers["content-type"].startswith("text/css")
    again = client.get("/page/page.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/", "/page/main.js", "/v1/models", "/v1/search?q=red", "/healthz", "/metrics", "/openapi.json"]
)
def test_every_get_address_answers_head(client: TestClient, path: str):
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_head_of_a_photo_and_of_what_only_takes_a_form(client: TestClient):
    found = client.get("/v1/search", params={"q": "red"}).json()["photos"][0]["photo"]
    head = client.head(found)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(client.get(found).content))
    assert client.head("/v1/caption").status_code == 405
    assert client.head("/nothing").status_code == 404
    assert client.post("/v1/models").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/v1/models", "/healthz", "/metrics", "/openapi.json", "/page/main.js"])
def test_a_slash_at_the_end_changes_nothing(client: TestClient, path: str):
    answer = client.get(f"{path}/", follow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert answer.headers["content-type"] == client.get(path).headers["content-type"]


def test_a_form_may_be_sent_with_a_slash_at_the_end(client: TestClient, locked: TestClient):
    answer = client.post("/v1/caption/", files={"image": photo_file()}, follow_redirects=False)
    assert answer.json() == client.post("/v1/caption", files={"image": photo_file()}).json()
    assert locked.get("/v1/models/").status_code == 401
