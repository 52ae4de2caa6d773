"""Captions from models that are told in words what to do: what they are asked, and the sentence in what they answer.

Such models surround their answers with courtesies, Markdown and thoughts, and some refuse. :func:`caption_of` returns
the sentence alone, or a withheld caption that says why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seetell.results import Caption, Word
from seetell.runtime.backends.answer import Answer, Token
from seetell.tasks.captioning.withholding import withheld

PROMPT = (
    "Write alt text for this image: one plain sentence of at most 25 words that says what it shows. "
    "Name only what you can see. Do not begin with 'image of' or 'picture of'. Answer with the sentence alone."
)
"""What a model is asked where the user asks nothing else."""

MAX_TOKENS = 512
"""Longest answer: more than a sentence takes, for models that think before they answer."""

_EXCERPT = 100
"""Characters of an answer that a reason quotes."""

_THOUGHTS = r"think|thinking|thought|reasoning|reflection"
_THOUGHT_START = re.compile(rf"<(?:{_THOUGHTS})>|\[THINK\]|◁think▷", re.IGNORECASE)
_THOUGHT_END = re.compile(rf"</(?:{_THOUGHTS})>|\[/THINK\]|◁/think▷", re.IGNORECASE)
_MARKS = re.compile(
    r"<\|[^<>|]{1,40}\|>|</?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|answer|caption|output)>", re.IGNORECASE
)
"""Marks of a model's own format."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs, which XML, UTF-8 and terminals do not take."""

_NO_TEXT = re.compile(r"\s*(?:```.*|~~~.*|[-*_]{3,})\s*")
_LINE_START = re.compile(r"\s*(?:(?:#{1,6}|>|[-*•+]|\d{1,2}[.)])\s+)*")
_INLINE = (
    (re.compile(r"!?\[([^\[\]]{0,400})\]\([^()]{0,400}\)"), r"\1"),
    (re.compile(r"(\*\*|__|`)(?=\S)(.{1,400}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)([*_])(?=\S)(.{1,400}?)(?<=\S)\1(?!\w)"), r"\2"),
)
"""Markdown within a line."""

_OPENINGS = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|absolutely)(?: thing)?[!,.:]\s*"
    r"|i(?: can|[’']ll|[’']d be| will| would be)\b[^.!:]{0,80}[.!:]\s+(?=\S)"
    r"|here(?:[’']s| is| are)\b[^:.!?]{0,100}:\s*"
    r"|(?:(?:suggested|possible|short|concise|image|final)\s+)?(?:alt(?:ernative)?[ -]?text|caption|description|answer)"
    r"(?:\s*\([^)]*\))?\s*:\s*)+",
    re.IGNORECASE,
)
_CLOSINGS = re.compile(
    r"(?<=[.!?\"”])\s+(?:please )?(?:let me know|would you like|do you want|feel free|i hope (?:this|that)|is there "
    r"anything|if you(?:[’']d| would) like)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "'": "'", "「": "」"}
_END = re.compile(r"[.!?]+[\"'”’»)\]]*(?=\s*$|\s+[\"“‘«(\[]{0,3}(\w))|[。！？][”」]*")
"""Of a sentence, with the first letter of the next one, which is none if it is lower case."""

_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|rd|ave|blvd|ft|mt|vs|no|jr|sr|prof|etc|approx|e\.g|i\.e)|\b[a-z])$", re.IGNORECASE
)
_PICTURE = re.compile(
    r"(?:(?:this|it) is )?(?:(?:this|the|an?) )?(?:image|photo|photograph|picture) "
    r"(?:of|shows|showing|depicts|depicting|features|featuring|captures|capturing|displays|displaying) (?=\S)",
    re.IGNORECASE,
)

_REFUSAL = re.compile(
    r"(?:i[’']?m|i am)?\s*(?:very |so )?(?:sorry|unable to|not able to|afraid (?:that )?i)\b"
    r"|i apologi[sz]e\b|as an ai\b|unfortunately,? i\b"
    r"|i (?:can[’']?t|cannot|can not|won[’']?t|will not|could ?n[o’']t|don[’']?t|do not|did ?n[o’']t) "
    r"(?:\w+ )?(?:assist|help|provide|describe|identify|see|view|process|comply|fulfil+|access|have|receive|generate)\b"
    r"|(?:no|there[’']?s no|there is no) (?:image|picture|photo) (?:is |was |has been )?"
    r"(?:attached|provided|given|included|visible|to)\b"
    r"|please (?:provide|upload|share|attach|send)\b"
    r"|it (?:seems|looks|appears)\b.{0,30}\b(?:you|no|image|picture)\b.{0,60}\b(?:attach|provide|upload|load|includ)",
    re.IGNORECASE,
)
_NO_IMAGE = re.compile(
    r"\b(?:provide|upload|share|attach|send|see|view|access|receive|no|load)\w*\b.{0,40}\b(?:image|picture|photo)"
    r"|\b(?:image|picture|photo)\w* (?:\w+ ){0,3}(?:attached|provided|uploaded|included)\b",
    re.IGNORECASE,
)


def caption_of(answer: Answer, *, model: str, prompt: str) -> Caption:
    """Return the caption that an answer holds.

    Args:
        answer: as the model gave it.
        model: its name.
        prompt: what it was asked; where that was :data:`PROMPT`, the caption is one sentence, see :func:`sentence_of`.

    Returns:
        What it says, without what surrounds it. Its words have log-probabilities where the answer has them and the
        sentence stands in it as it is; their sum is the caption's, which leaves out the end of the sentence. Withheld
        if the model refused, or answered nothing.
    """
    if answer.refusal:
        return withheld(f"the model gave no answer ({_excerpt(answer.refusal)})", model)
    read = sentence_of if prompt == PROMPT else tidied
    text = read(answer.text, cut_off=answer.cut_off)
    if not any(character.isalnum() for character in text):
        ended = "its answer ended before the sentence began; allow more tokens" if answer.cut_off else "it said nothing"
        return withheld(f"the model gave no answer ({ended})", model)
    if _REFUSAL.match(text):
        why = "seems to get no image; is it one that sees?" if _NO_IMAGE.search(text) else "refused"
        return withheld(f"the model {why} ({_excerpt(text)})", model)
    words = words_of(text, answer.tokens)
    return Caption(text, words, sum(word.logprob for word in words) if words else float("nan"), model)


def sentence_of(text: str, *, cut_off: bool = False) -> str:
    """Return the first sentence that is said in an answer, without "an image of" and the like at its beginning.

    Args:
        text: the answer.
        cut_off: see :func:`tidied`.
    """
    text = tidied(text, cut_off=cut_off)
    if opening := _PICTURE.match(text):
        text = text[opening.end() :]
        text = text[:1].upper() + text[1:]
    return text[: next(_ends(text), len(text))]


def tidied(text: str, *, cut_off: bool = False) -> str:
    """Return what is said in an answer, in one line, without control characters.

    Thoughts, courtesies, labels, Markdown and quotation marks around it are removed. Of an answer that was cut off,
    the sentences that are whole are kept; where there is none, it ends in "…".
    """
    lines = [
        _without_markdown(line)
        for line in _MARKS.sub("", _without_thoughts(_UNPRINTABLE.sub(" ", text))).splitlines()
        if not _NO_TEXT.fullmatch(line)
    ]
    text = " ".join(" ".join(lines).split())
    text = _CLOSINGS.sub("", _OPENINGS.sub("", text, count=1) if _OPENINGS.match(text) else text)
    text = _unquoted(text.strip())
    if cut_off and text:
        *_, whole = 0, *_ends(text)
        text = text[:whole] if whole else f"{text}…"
    return text


def _without_thoughts(text: str) -> str:
    """Return what comes after the last thought; of one that never ends, what comes before it."""
    *_, begin = 0, *(end.end() for end in _THOUGHT_END.finditer(text))
    never_ends = _THOUGHT_START.search(text, begin)
    return text[begin:] if never_ends is None else text[begin : never_ends.start()]


def _ends(text: str) -> Iterator[int]:
    """Yield where sentences end."""
    for end in _END.finditer(text):
        abbreviated = end[0] == "." and _ABBREVIATION.search(text, max(0, end.start() - 8), end.start())
        if not abbreviated and not (end[1] or "").islower():
            yield end.end()


def _without_markdown(line: str) -> str:
    line = line[_LINE_START.match(line).end() :]  # type: ignore[union-attr]  # it matches the empty string
    for pattern, inside in _INLINE:
        line = pattern.sub(inside, line)
    return line


def _unquoted(text: str) -> str:
    """Remove quotation marks around the whole, and one at the beginning that is never closed."""
    while text and text[0] in _QUOTES:
        opening, closing = text[0], _QUOTES[text[0]]
        within = text[1:].removesuffix(".") if text.endswith(f"{closing}.") else text[1:]
        if opening not in within and closing not in within and opening not in "'‘":
            return text[1:].strip()
        if not within.endswith(closing) or any(mark in within[:-1] for mark in {opening, closing} - {"'", "’"}):
            break
        text = within[:-1].strip()
    return text


def words_of(text: str, tokens: tuple[Token, ...]) -> tuple[Word, ...]:
    """Return a sentence's words with their log-probabilities; none if it does not stand in the tokens as it is."""
    whole = "".join(token.text for token in tokens)
    said = text.removesuffix("…")
    begin = whole.lower().rfind(said.lower()) if said else -1
    if begin < 0 or len(whole.lower()) != len(whole):
        return ()
    ends = [begin + word.end() for word in re.finditer(r"\S+", said)]
    logprobs, place, position = [0.0] * len(ends), 0, 0
    for token in tokens:  # each counts for the word in which its first character stands
        start = position + len(token.text) - len(token.text.lstrip())
        position += len(token.text)
        while place < len(ends) and start >= ends[place]:
            place += 1
        if place < len(ends) and start < position > begin:
            logprobs[place] += token.logprob
    return tuple(map(Word, text.split(), logprobs))


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1].rstrip()}…"
