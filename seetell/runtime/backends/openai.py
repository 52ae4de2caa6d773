"""Models behind a server that speaks OpenAI's protocol: Ollama, llama.cpp, LM Studio, vLLM, ``transformers serve``.

https://platform.openai.com/docs/api-reference/chat. Servers implement parts of it: options of a request that one does
not take are left out of the next ones, where nothing depends on them.
"""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

from seetell.errors import ModelServerError, NoAnswerError, UsageError, unknown
from seetell.runtime.backends.answer import Answer, Token
from seetell.runtime.backends.http_client import Address, HttpClient, Reply, UnansweredError

TIMEOUT = 300.0
"""Seconds for an answer, pauses and further tries included."""

PROBE_SECONDS = 10.0
"""Seconds for a server to say which models it has."""

MAX_FAILURES = 10
"""Images in a row without an answer after which a server is taken to be down."""

OWN_KEY, GENERAL_KEY = "SEETELL_OPENAI_API_KEY", "OPENAI_API_KEY"
"""Variables of the environment: the key for whichever server is named, and that for OpenAI's alone."""
OPENAI_HOST = "api.openai.com"

_STARTED_BY = {11434: "ollama serve", 8080: "llama-server -m MODEL --mmproj PROJECTOR", 1234: "lms server start"}
_ENDPOINT = "/chat/completions"

_BLIND = re.compile(
    r"image input is not supported|(?:does not|doesn[’']t) support (?:image|vision|multimodal)|not a multimodal|"
    r"unsupported content part",
    re.IGNORECASE,
)
"""What Ollama, llama.cpp, LM Studio and vLLM say of a model that reads no images."""

_FILTERED = re.compile(r"content.?filter|content management policy|safety", re.IGNORECASE)


class ChatModel:
    """A model behind a server; for any number of threads.

    Args:
        reference: ``NAME@URL``. A URL without a path stands for ``/v1``.
        timeout: seconds for an answer; ``TIMEOUT`` when absent.

    Attributes:
        name: the model's.
        address: of the server.

    Raises:
        UsageError: the reference is none, the server has no such model, or a key would be sent in the clear.
        ModelServerError: no server answers there, or not as agreed.
    """

    def __init__(self, reference: str, *, timeout: float | None = None) -> None:
        found = re.fullmatch(r"(.+)@(https?://.*)", reference, re.IGNORECASE | re.DOTALL)
        if found is None or not found[1].strip():
            raise UsageError(
                "a model of a server is named openai:NAME@URL, such as openai:gemma3@http://127.0.0.1:11434; "
                f"got openai:{reference.rpartition('@')[0] or reference}"
            )
        self.name = found[1].strip()
        address = Address.parse(found[2].strip().rstrip("/").removesuffix(_ENDPOINT))
        self.address = address if address.path else Address(address.secure, address.host, address.port, "/v1")
        self._seconds = TIMEOUT if timeout is None else timeout
        self._client = HttpClient(self.address, _key(self.address))
        self._not_taken: frozenset[str] = frozenset()
        self._failures, self._counting = 0, threading.Lock()
        listed = self._list()
        self._listed = listed or ()
        if listed is not None and not {self.name, f"{self.name}:latest"} & {*listed}:
            self._try()

    def ask(self, prompt: str, image: bytes, *, max_tokens: int, sampling: Mapping[str, float] | None = None) -> Answer:
        """Ask for a text about an image.

        Args:
            prompt: what is asked.
            image: a JPEG file.
            max_tokens: longest answer.
            sampling: ``temperature``, ``top_p`` and ``seed`` as far as they are wanted; the most probable tokens
                where it is absent.

        Raises:
            NoAnswerError: there is no answer for this image.
            ModelServerError: there is none for any, or has been none for ``MAX_FAILURES`` images in a row.
        """
        url = f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": prompt}]
        try:
            answer = self._answer(self._complete(content, max_tokens, sampling))
        except NoAnswerError as error:
            with self._counting:
                self._failures += 1
                if self._failures < MAX_FAILURES:
                    raise
                self._failures = 0
            raise ModelServerError(
                f"{self.address} answered none of {MAX_FAILURES} images in a row; the last: {error}"
            ) from error
        self._failures = 0
        return answer

    def _complete(self, content: Any, max_tokens: int, sampling: Mapping[str, float] | None) -> Reply:
        while True:
            wished: dict[str, Any] = {"max_tokens": max_tokens, "logprobs": True}
            if sampling is None:
                wished["temperature"] = 0
            left_out = self._not_taken
            options = {name: value for name, value in wished.items() if name not in left_out}
            if "max_tokens" in left_out:
                options["max_completion_tokens"] = max_tokens  # as OpenAI calls it since its models think
            messages = [{"role": "user", "content": content}]
            request = {"model": self.name, "messages": messages, "stream": False, **options, **(sampling or {})}
            try:
                reply = self._client.request("POST", _ENDPOINT, request, seconds=self._seconds)
            except UnansweredError as error:
                raise NoAnswerError(f"the server gave no answer: {error}") from error
            said = _said(reply) if reply.status in (400, 422) else ""
            refused = next((name for name in wished if name in options and re.search(rf"\b{name}\b", said)), None)
            if refused is None:
                return reply
            self._not_taken |= {refused}

    def _answer(self, reply: Reply) -> Answer:
        """Read a completion.

        Raises:
            NoAnswerError: it is none.
            ModelServerError: no other would be one either.
        """
        if reply.status != 200:
            return self._refused(reply)
        try:
            choice = reply.content["choices"][0]
            message, ended = choice["message"], choice.get("finish_reason")
            text = message.get("content") or ""
            if isinstance(text, list):
                text = "".join(part["text"] for part in text if part.get("type") == "text")
            refusal = message.get("refusal") or ("content filter" if ended == "content_filter" else "")
            if not isinstance(text, str) or not isinstance(refusal, str):
                raise TypeError("expected texts")
        except (LookupError, TypeError, AttributeError) as error:
            raise NoAnswerError(f"the server's answer is no completion: {_said(reply) or 'it is empty'}") from error
        return Answer(text, _tokens(choice.get("logprobs")), ended == "length", refusal)

    def _refused(self, reply: Reply) -> Answer:
        said, status = _said(reply), reply.status
        self._check(reply)
        if status == 404:
            if re.search(r"\bmodel\b", said, re.IGNORECASE):
                self._unknown_model(said)
            raise ModelServerError(
                f"{self.address}{_ENDPOINT}: there is no such page (404); the URL is often one that ends with /v1"
            )
        if _BLIND.search(said):
            raise ModelServerError(f"{self.name} reads no images; name a model that does (the server says: {said})")
        if status in (400, 403) and _FILTERED.search(said):
            return Answer("", refusal="content filter")
        raise NoAnswerError(f"the server answered {status}{said and f': {said}'}")

    def _list(self) -> tuple[str, ...] | None:
        """Return the names of the server's models; ``None`` if it does not tell."""
        try:
            reply = self._client.request("GET", "/models", seconds=min(self._seconds, PROBE_SECONDS), tries=2)
        except UnansweredError as error:
            command = _STARTED_BY.get(self.address.port or 0)
            start = f"start it, for example by {command}" if command else "start it"
            raise ModelServerError(
                f"{self.address}: no server answers there ({error}); {start}, or name another URL"
            ) from error
        self._check(reply)
        models = reply.content.get("data") if isinstance(reply.content, dict) else None
        if reply.status != 200 or not isinstance(models, list):
            return None
        ids = [model.get("id") for model in models if isinstance(model, dict)]
        return tuple(name for name in ids if isinstance(name, str))

    def _try(self) -> None:
        """Ask for a token: some servers run models that they do not list, or one model whatever the name."""
        try:
            reply = self._complete("Hello", 1, None)
        except NoAnswerError:
            return  # it may be loading the model
        self._check(reply)
        if reply.status in (400, 404, 422):
            self._unknown_model(_said(reply))
        if reply.status == 500:
            raise ModelServerError(f"{self.address} fails at {self.name}, which it does not list: {_said(reply)}")

    def _check(self, reply: Reply) -> None:
        """Raise an error if the server wants another key, or is elsewhere."""
        if reply.status == 401:
            raise ModelServerError(f"{self.address}: {self._key_wanted()} ({_said(reply) or reply.status})")
        if 300 <= reply.status < 400:
            raise ModelServerError(
                f"{self.address} redirects to {reply.location or 'nowhere'}, where nothing is sent; name that URL "
                "instead, if you trust it"
            )

    def _key_wanted(self) -> str:
        name = GENERAL_KEY if self.address.host == OPENAI_HOST and not os.environ.get(OWN_KEY) else OWN_KEY
        if os.environ.get(name):
            return f"it does not accept the key in ${name}"
        return f"it wants a key; put it in the environment as {name}"

    def _unknown_model(self, said: str) -> NoReturn:
        note = f" The server says: {said}" if said else ""
        raise UsageError(f"{self.address}: {unknown('model', self.name, self._listed)}{note}")


def _key(address: Address) -> str | None:
    """Return the key for a server, if the environment has one.

    Raises:
        UsageError: it cannot be one, or would be sent in the clear.
    """
    name = OWN_KEY
    key = os.environ.get(name, "").strip()
    if not key and address.secure and address.host == OPENAI_HOST:
        name = GENERAL_KEY
        key = os.environ.get(name, "").strip()
    if not key:
        return None
    if not re.fullmatch(r"[!-~]+", key):
        raise UsageError(f"${name}: expected a key of ASCII characters without blanks; it has others")
    if not address.secure and not address.is_loopback:
        raise UsageError(
            f"{address}: the key in ${name} would be sent in the clear; name an https URL, reach the server through a "
            f"tunnel to this machine, or unset {name}"
        )
    return key


def _said(reply: Reply) -> str:
    """Return a server's message, in one line."""
    said: Any = reply.content
    for name in ("error", "message"):
        said = said.get(name, said.get("detail", said)) if isinstance(said, dict) else said
    text = " ".join((said if isinstance(said, str) else reply.text or str(said or "")).split())
    return text if len(text) <= 300 else f"{text[:299]}…"


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """Return the tokens of a choice with their log-probabilities; none if it has none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    try:
        return tuple(Token(str(token["token"]), min(float(token["logprob"]), 0.0)) for token in content or ())
    except (LookupError, TypeError, ValueError):
        return ()
