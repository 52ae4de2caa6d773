"""A server on this machine that speaks the Hub's protocol as far as downloads need it, and fails on request."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + 34 * "0"


def git_digest(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


@dataclass
class FakeHub:
    """The Hub: its models, its moods, and what it was asked.

    Attributes:
        models: files by model and name.
        broken_off: for a file's name, after how many bytes each of the next answers breaks off.
        changed: files whose first byte is sent wrong.
        gated: models that need consent.
        ignores_ranges: whether whole files are sent, whatever was asked for.
        busy: for a file's name, how many answers are 503.
        converted: models for which the converter offers safetensors, with the number of its pull request.
        stalled: for a file's name, after how many bytes its answers wait for the end of the test.
        requests: path and ``Range`` of each request for a file's content.
        tokens: what was sent as ``Authorization``, by server.
    """

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    broken_off: dict[str, list[int]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    ignores_ranges: bool = False
    busy: dict[str, int] = field(default_factory=dict)
    converted: dict[str, int] = field(default_factory=dict)
    stalled: dict[str, int] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    tokens: dict[str, set[str | None]] = field(default_factory=lambda: {"hub": set(), "storage": set()})
    url: str = ""
    storage_url: str = ""

    def ranges(self, name: str) -> list[str | None]:
        """Return the ``Range`` of each request for a file."""
        return [asked for path, asked in self.requests if path.endswith(f"/{name}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub
    role: str

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        self.hub.tokens[self.role].add(self.headers.get("Authorization"))
        if self.role == "storage":
            self._send_file("/".join(parts[:2]), "/".join(parts[2:]), {})
        elif parts[:2] == ["api", "models"]:
            self._tell("/".join(parts[2:4]), parts[4:])
        elif "resolve" in parts:
            self._resolve("/".join(parts[:2]), "/".join(parts[4:]))
        else:
            self._send(404)

    def _tell(self, name: str, rest: list[str]) -> None:
        files = self.hub.models.get(name)
        if files is None:
            self._send(401, headers={"X-Error-Code": "RepoNotFound"})
        elif rest[:1] == ["discussions"]:
            self._send_json({"discussions": self._pull_requests(name), "count": 1, "start": 0})
        elif len(rest) > 1 and rest[1] not in ("main", COMMIT):
            self._send(404, headers={"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["tree"]:
            self._send_json([{"type": "file", "path": file, **_facts(file, files[file])[0]} for file in files])
        else:
            siblings = [{"rfilename": file, **_facts(file, files[file])[1]} for file in files]
            self._send_json({"id": name, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False})

    def _pull_requests(self, name: str) -> list[dict[str, Any]]:
        if name not in self.hub.converted:
            return []
        return [
            {
                "num": self.hub.converted[name],
                "title": "Adding `safetensors` variant of this model",
                "status": "open",
                "author": {"name": "SFconvertbot"},
                "createdAt": "2026-01-01T00:00:00.000Z",
                "isPullRequest": True,
                "repo": {"name": name, "type": "model"},
            }
        ]

    def _resolve(self, name: str, file: str) -> None:
        content = self.hub.models[name].get(file)
        headers = {"X-Repo-Commit": COMMIT}
        if name in self.hub.gated:
            self._send(401, headers={"X-Error-Code": "GatedRepo"})
        elif content is None:
            self._send(404, headers={"X-Error-Code": "EntryNotFound"})
        elif file.endswith(".safetensors"):  # large files lie elsewhere
            digest = hashlib.sha256(content).hexdigest()
            headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            self._send(302, headers=headers | {"Location": f"{self.hub.storage_url}/{name}/{file}"})
        else:
            self._send_file(name, file, headers | {"ETag": f'"{git_digest(content)}"'})

    def _send_file(self, name: str, file: str, headers: Mapping[str, str]) -> None:
        hub, content = self.hub, self.hub.models[name][file]
        if self.command == "HEAD":
            self._send(200, headers={**headers, "Content-Length": str(len(content))})
            return
        asked = self.headers.get("Range")
        hub.requests.append((f"{name}/{file}", asked))
        if hub.busy.get(file, 0) > 0:
            hub.busy[file] -= 1
            self._send(503)
            return
        if file in hub.changed:
            content = b"?" + content[1:]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not hub.ignores_ranges else 0
        body = content[start:]
        answer = {**headers, "Content-Length": str(len(body))}
        if start:
            answer["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if start else 200, answer)
        cuts = hub.broken_off.get(file, [])
        if file in hub.stalled:
            self.wfile.write(body[: hub.stalled[file]])
            hub.over.wait()
            self.close_connection = True
        elif cuts:
            self.wfile.write(body[: cuts.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _send_json(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self._send(200, body, {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self._head(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()


def _facts(file: str, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the Hub tells of a file in a listing of files, and in the description of its model."""
    if not file.endswith(".safetensors"):
        facts = {"size": len(content)}
        return {**facts, "oid": git_digest(content)}, {**facts, "blobId": git_digest(content)}
    pointer = {"size": len(content), "pointerSize": 134}
    digest = hashlib.sha256(content).hexdigest()
    shared = {"size": len(content)}
    return (
        {**shared, "oid": git_digest(b"pointer"), "lfs": {**pointer, "oid": digest}},
        {**shared, "blobId": git_digest(b"pointer"), "lfs": {**pointer, "sha256": digest}},
    )


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run the Hub, and beside it the server that its large files lie on."""
    hub = FakeHub()
    servers = []
    for role in ("hub", "storage"):
        handler = type("Handler", (_Handler,), {"hub": hub, "role": role})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    hub.url, hub.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    try:
        yield hub
    finally:
        hub.over.set()
        for server in servers:
            server.shutdown()
            server.server_close()
