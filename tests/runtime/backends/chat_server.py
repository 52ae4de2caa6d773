"""A server that speaks OpenAI's protocol, on this machine, and does wrong what it is told to."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

SENTENCE = "A brown dog stands in the grass."


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def image(self) -> Image.Image:
        """The image that was sent."""
        url = self.body["messages"][0]["content"][0]["image_url"]["url"]
        kind, _, content = url.partition(",")
        assert kind == "data:image/jpeg;base64"
        return Image.open(io.BytesIO(base64.b64decode(content)))


class Handler(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers), json.loads(body) if body else None)
        self.close_connection = True
        self.server.fake.serve(self, request)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def send(self, status: int, content: Any, **headers: str) -> None:
        """Send JSON, or bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


Script = Callable[[Handler, Request], None]


def reply(status: int, content: Any, **headers: str) -> Script:
    """Return what sends this."""
    return lambda handler, request: handler.send(status, content, **headers)


def error(status: int, message: str, **headers: str) -> Script:
    """Return what sends an error as OpenAI does."""
    return reply(status, {"error": {"message": message, "type": "some_error"}}, **headers)


def completion(text: Any = SENTENCE, *, finish: str = "stop", **choice: Any) -> dict[str, Any]:
    """Return a completion as servers send it."""
    message = {"role": "assistant", "content": text}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **choice}],
    }


def answer(text: Any = SENTENCE, **options: Any) -> Script:
    """Return what sends a completion."""
    return reply(200, completion(text, **options))


def close(handler: Handler, request: Request) -> None:
    """Close the connection without an answer."""


@dataclass
class ChatServer:
    """The server.

    Attributes:
        port: where it listens.
        models: that it lists.
        script: what it does with the next requests for completions; then it answers with a sentence.
        requests: for completions, that it got.
        probes: other requests.
    """

    port: int = 0
    models: list[str] = field(default_factory=lambda: ["tiny"])
    script: list[Script] = field(default_factory=list)
    always: Script = field(default_factory=answer)
    probe: Script | None = None
    requests: list[Request] = field(default_factory=list)
    probes: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def reference(self) -> str:
        """What names its model."""
        return f"openai:tiny@http://127.0.0.1:{self.port}/v1"

    def serve(self, handler: Handler, request: Request) -> None:
        if request.method == "GET":
            self.probes.append(request)
            listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
            (self.probe or reply(200, listed))(handler, request)
            return
        with self.lock:
            self.requests.append(request)
            act = self.script.pop(0) if self.script else self.always
        act(handler, request)


@contextmanager
def serving() -> Iterator[ChatServer]:
    """Run such a server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        fake = ChatServer(http.server_address[1])
        http.fake = fake  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            http.shutdown()
