r"""Tokenise captions as coco-caption does: with Stanford's Penn Treebank tokenizer, lower case, without punctuation.

Contractions are split (``does n't``, ``dog 's``), compounds kept whole (``black-and-white``, ``and/or``), abbreviations
keep their stop (``mr.``, ``p.m.``), brackets are named (``-lrb- -rrb-``). Tokens on coco-caption's list of punctuation
are removed; ``?!`` and ``!!`` are not on it.

As in a generated lexer, all rules of the grammar are tried at a position and the longest match wins, on a tie the
earlier rule; the lookahead of a rule counts as matched.

Differences from ``PTBTokenizer.tokenize`` of pycocoevalcap 1.2:

* Captions are independent. There all captions are lines of one file: a carriage return, form feed, vertical tab or
  Unicode line separator in one shifts the tokens of all later ones (here they are spaces); an initial at the end of a
  caption loses its stop if the next one starts with "A", "The", a tag and so on; and the end of the last caption
  lacks the line end that some rules look for ("etc." and ":)" differ there).
* No token contains white space. The few that do there (``(650) 123-4567``, ``<a href="b">``) are split at it, as BLEU
  and CIDEr split the sentence again and ROUGE-L does not.
* Lookahead is bounded, for linear time: 63 characters for the label of a site, the user of a mail address and the part
  before the first hyphen of a compound; 9 labels; 999 characters for a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from string import ascii_letters, digits, punctuation
from typing import NamedTuple

from seetell.language.characters import DIGIT, LETTER, MARK, NOTHING, PAIR, SPACE, kinds_of


def _any(words: str) -> str:
    return "(?:" + "|".join(sorted(words.split(), key=len, reverse=True)) + ")"


# A soft hyphen counts as a letter and as a digit.
_ACCENTED = "&[AEIOUaeiou](?:acute|grave|uml);"
_L = rf"(?:[A-Za-z{LETTER}{MARK}\xad]|{_ACCENTED})"
_D = rf"[0-9{DIGIT}]"
_LD = rf"(?:[A-Za-z0-9{LETTER}{MARK}{DIGIT}\xad]|{_ACCENTED})"
_PLAIN = f"[A-Za-z{LETTER}]"
_CHARACTER = f"[A-Za-z0-9{LETTER}{DIGIT}]"  # no mark
_APOSTROPHE = r"(?:['’\x92]|&apos;)"
_SECOND_HALF = f"{_APOSTROPHE}(?:s|m|d|re|ve|ll)"
_QUOTE = r"(?:['’\x92`‘\x91‛]|&apos;)"  # characters typed for an apostrophe
_HYPHEN = "[-_\u058a‐‑]"
_SLASH = r"\\?/"
_SPACE = rf"[ \t\n\xa0{SPACE}]"
_BLANK = rf"[ \t\n\x85\xa0{SPACE}]"
_AMOUNT = rf"(?:{_D}*(?:[.,:\xad\u066b\u066c]{_D}+)+|{_D}+)"

_PART = rf"(?:[dDoOlL]{_QUOTE}{_CHARACTER})?{_CHARACTER}+"
_WORD = rf"{_L}{_LD}*(?:[.!?]{_L}{_LD}*)*"
_COMPOUND = f"{_PART}(?:{_HYPHEN}{_PART})*"
_HYPHENED = "[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}"
_ACRONYM = r"(?:[A-Za-z]\.){2,}"

# Abbreviations that may end a sentence, and those that may not; those that also spell a word need their capital.
_ENDERS = _any(
    "al ala apr ariz assn aug bhd bldg blvd bros calif co colo conn corp cos ct dak dec esq est etc ext feb fla fri ga "
    "inc ind intl jan jr jul jun kan kans ky ltd mar md mich minn mo mon mont neb nev nov oct okla penn plc rd rt sep "
    "sept seq sq sr sys tel tenn thu thurs tue tues univ va vt wed wis wisc wyo ed[.]d ph[.]d "
    "p?pt(?-i:[ey])s? "
    "(?-i:A)z (?-i:A)rk (?-i:D)el (?-i:I)ll (?-i:L)a (?-i:M)ass (?-i:M)iss (?-i:O)re (?-i:P)a (?-i:T)ex (?-i:W)ash"
)
_TITLES = _any(
    "adj adm adv alex assoc asst atty attys ave brig capt cf cie cmdr col comdr cpl dept det dr drs elec ens ft gen "
    "gov govs hon insp invt jos lieut lt maj messrs m(?-i:[ft])g mlle mme mr mrs ms msgr mt natl pfc ph pres prof "
    "profs pvt rep reps rev sen sens sfc sgt spc st ste supt supts treas vs wm"
)
_NUMBERED = _any("art ca fig figs no nos op pp prop")

# After an initial, these words and tags begin a sentence, and its stop is a full stop.
_BEGINNINGS = _any(
    "A According Additionally An As At But Earlier He Her Here However If In It Last Many More Now Once One Our She So "
    "Some Such That The Then There They This We What When Yet You"
)
_EXTENSIONS = _any(
    "bat bmp c cgi cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov pdf php pl png ppt ps py sql tar txt "
    "wav x xml zip"
)
# Words with an apostrophe that the rules must not split.
_ELIDED = _any(
    f"{_APOSTROPHE}n{_APOSTROPHE} [ldj]{_APOSTROPHE} ol{_APOSTROPHE} dunkin{_APOSTROPHE} somethin{_APOSTROPHE} "
    f"{_APOSTROPHE}em {_APOSTROPHE}till? {_APOSTROPHE}cause cap{_APOSTROPHE}n {_APOSTROPHE}[2-9]0s "
    f"hallowe{_QUOTE}en ma{_QUOTE}am ne{_QUOTE}er o{_QUOTE}er o{_QUOTE}o c{_APOSTROPHE}est c'mon e'er li'l nor'easter "
    "s'mores"
)
_CLOSE = r"""[^ \t\n"<>|.!?(){},-]"""  # no address ends with a stop
_NAME = "[A-Za-z][A-Za-z0-9_:.-]*"
_TAG = (
    r"<(?:[!?][A-Za-z-][^>\n]{0,999}"
    rf"""|{_NAME}(?: +{_NAME}(?: *= *(?:"[^"\n]*"|'[^'\n]*'))?)* */?|/{_NAME}) *>"""
)

_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_SPELLINGS = {
    **_BRACKETS,
    **dict.fromkeys(("€", "¤", "\u20a0", "\x80"), "$"),
    **{"£": "#", "¢": "cents", "¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"},
    **{"&amp;": "&", "&lt;": "<", "&gt;": ">"},
}
_STRAIGHT = str.maketrans(
    dict.fromkeys("’\x92›", "'")
    | dict.fromkeys("‘\x91‛‹", "`")
    | dict.fromkeys("“\x93«", "``")
    | dict.fromkeys("”\x94»", "''")
)
# coco-caption removes these; the other dashes, ellipses and quotes become one of them.
_PUNCTUATION = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])


def _unchanged(token: str) -> str:
    return token


def _word(token: str) -> str:
    return token.replace("\xad", "")


def _capitals(token: str) -> str:
    return token.replace("&amp;", "&").replace("&AMP;", "&")


def _contraction(token: str) -> str:
    return token.translate(_STRAIGHT).replace("&apos;", "'")


def _named_brackets(token: str) -> str:
    return token.replace("(", "-lrb-").replace(")", "-rrb-")


def _sign(token: str) -> str:
    return _SPELLINGS.get(token.lower(), token)


def _nothing(_: str) -> str:
    return ""


class _Rule(NamedTuple):
    """The pattern of a token, of the lookahead after it, and a function that spells it.

    `starts` lists the kinds of ASCII characters that a token may start with, for speed: letters "a", digits "1",
    others ".".
    """

    starts: str
    token: str
    ahead: str = ""
    spell: Callable[[str], str] = _word


_GRAMMAR = {
    "web address": _Rule("a", rf"""(?i:https?://)(?:[^ \t\n"<>|(){{}}]+{_CLOSE}|{PAIR})""", spell=_unchanged),
    "mail address": _Rule(
        "a1.",
        r"""(?:&lt;|<)?[A-Za-z0-9][^ \t\n\xa0"<>|(){}]{0,63}"""
        r"""@(?:[^ \t\n\xa0"<>|(){}.]+\.)*[^ \t\n\xa0"<>|(){}.]+(?:&gt;|>)?""",
        spell=_unchanged,
    ),
    "tag": _Rule(".", _TAG, spell=_unchanged),
    # cut in two
    "fused": _Rule("a", "(?i:can(?=not)|gon(?=na)|wan(?=na)|got(?=ta)|gim(?=me)|lem(?=me))", "(?i:not|na|ta|me)"),
    "it is": _Rule(".", "'[Tt]", "(?i:is|was)"),
    "negated": _Rule("a", r"[A-Za-z\xad]*[A-MO-Za-mo-z]\xad*", rf"[Nn]{_QUOTE}[Tt]"),
    "contracted": _Rule("a", _WORD, rf"(?i:{_SECOND_HALF})"),
    "you all": _Rule("a", rf"[Yy]{_APOSTROPHE}", _L, _unchanged),
    "name": _Rule("a", rf"(?:[A-HJ-XZn]{_QUOTE}{_PLAIN}{{2}}|{_PLAIN}+[aeiouyAEIOUY]{_QUOTE}[aeiouA-Z]){_PLAIN}*"),
    "second half": _Rule("a.", rf"(?i:n{_QUOTE}t|{_SECOND_HALF})", "[^A-Za-z]", _contraction),
    # with an apostrophe
    "elided": _Rule("a.", f"(?i:{_ELIDED})", spell=_unchanged),
    "opening quote": _Rule(".", "'", "[A-Za-z][^ \\t\\n\\xa0]", _nothing),
    "second half within": _Rule("a.", rf"(?i:n{_QUOTE}t|{_SECOND_HALF})", spell=_contraction),
    "and": _Rule(".", rf"{_APOSTROPHE}[Nn]", spell=_unchanged),
    "year": _Rule(".", rf"{_APOSTROPHE}[0-9][0-9]", _BLANK, _unchanged),
    # words, with signs inside
    "word": _Rule("a", _WORD),
    "site": _Rule(
        "a1.",
        r"""(?:(?i:www)\.(?:[^ \t\n"<>|.!?(){},]+\.)+[A-Za-z]{2,4}"""
        r"""|(?:[^ \t\n"`'<>|!?(){},-_$]{1,63}\.){1,8}(?i:com|net|org|edu))"""
        rf"""(?:/[^ \t\n"<>|()]+{_CLOSE})?""",
        spell=_unchanged,
    ),
    "compound": _Rule("a1", _COMPOUND),
    "alternatives": _Rule("a1", rf"{_HYPHENED}(?:{_SLASH}{_HYPHENED}){{1,2}}"),
    "capitals": _Rule("a", "[A-Z]+(?:(?:&(?i:amp;)?|[+])[A-Z]+)+", spell=_capitals),
    "prefix": _Rule("a", "(?i:anti|pro)-"),
    "language": _Rule("a", r"[Cc]\+\+|[CcFf]#"),
    # with a stop
    "acronym": _Rule("a", rf"{_ACRONYM}|[A-Za-z]\."),
    "last initial": _Rule("a", "[A-Za-z]", rf"\.{_BLANK}+(?:{_BEGINNINGS}|{_BEGINNINGS.upper()}|{_TAG}){_BLANK}"),
    "ender": _Rule("a", rf"(?i:{_ENDERS})\.", r"(?s:..)"),
    "title": _Rule("a", rf"(?i:{_TITLES})\."),
    "numbered": _Rule("a", rf"(?i:{_NUMBERED})\.", rf"[ \t\n\xa0]?{_D}"),
    "cut short": _Rule("a1", rf"(?:{_WORD}|{_COMPOUND})\.", "[,;:]"),
    "file": _Rule(
        "a1",
        rf"{_LD}{{1,63}}(?:\.{_LD}{{1,63}}){{0,8}}\.(?i:{_EXTENSIONS})",
        rf"(?:{_BLANK}|[.!?,])",
        spell=_unchanged,
    ),
    "long compound": _Rule("a1", rf"[A-Za-z0-9][A-Za-z0-9.,\xad]{{0,63}}(?:-(?:{_ACRONYM}|[A-Za-z0-9\xad]+))+"),
    # numbers
    "number": _Rule("1.", rf"[-+]?{_AMOUNT}"),
    "date": _Rule("1", rf"{_D}{{1,2}}[-/]{_D}{{1,2}}[-/]{_D}{{2,4}}"),
    "fraction": _Rule("1", rf"(?:{_D}{{1,4}}[- \xa0])?{_D}{{1,4}}(?:{_SLASH}|\u2044){_D}{{1,4}}"),
    "telephone": _Rule(
        "1.",
        rf"(?:\({_D}{{2,3}}\)[ \xa0]?|(?:\+\+?)?(?:{_D}{{2,4}}[- \xa0])?{_D}{{2,4}}[- \xa0])"
        rf"{_D}{{3,4}}[- \xa0]?{_D}{{3,5}}"
        rf"|(?:(?:\+\+?)?{_D}{{2,4}}\.)?{_D}{{2,4}}\.{_D}{{3,4}}\.{_D}{{3,5}}",
        spell=_named_brackets,
    ),
    "money": _Rule("a.", r"[A-Z]*\$"),
    "raised": _Rule("", "[²³¹\u2070\u2074-\u2079]+|[\u2080-\u2089]+"),
    # signs
    "face": _Rule(".", r"[<>]?[:;=][-o*']?[()@DOP[\\\]dp{|]", "(?![A-Za-z0-9])", _named_brackets),
    "numbered face": _Rule(".", ":[0-9]"),
    "eastern face": _Rule(
        "a.", "[-'<=>^x~]_[-'<=>^x~]|[(][-'<=>^x~](?:[_.]?[-'<=>^x~]|-['`<=>^x~])[)]", spell=_named_brackets
    ),
    "at": _Rule(".", "@[A-Za-z_][A-Za-z_0-9]*", spell=_unchanged),
    "hash": _Rule(".", f"#{_L}+", spell=_unchanged),
    "dash": _Rule(".", "-{2,4}|&(?i:md|mdash|ndash);", spell=_nothing),
    "rule": _Rule(".", "-{5,}|_+|[*]+|[\\\\][*]|@+|#+|<<|>>|[?!]+|&#[0-9]+;", spell=_unchanged),
    "ellipsis": _Rule(".", r"\.{3,5}|\. \. \.", spell=_nothing),
    "quote": _Rule(".", "''|[`\x91-\x94‘-‟«»‹›]{1,2}|'|&apos;", spell=_contraction),
    "named bracket": _Rule(".", "-(?i:[lr][rcs]b)-"),
    "space": _Rule(".", f"{_SPACE}+", spell=_nothing),
    "dropped": _Rule(".", '[.…\x85–—―\x96\x97"]|&quot;|&(?i:nbsp);', spell=_nothing),
    "entity": _Rule("", "&(?i:amp|lt|gt|apos|quot|ht|ur|lr|qc|ql|qr|tl|odq|cdq);", spell=_sign),
    "sign": _Rule(".", rf"[^ \t\n\xa0{NOTHING}{PAIR}{SPACE}\u058a‐‑\u066b\u066c{MARK}]", spell=_sign),
}

_Patterns = list[tuple[re.Pattern[str], Callable[[str], str]]]


@cache
def _lexer() -> tuple[dict[str, _Patterns], _Patterns]:
    """Return the rules by the ASCII character that a token starts with, and all rules for any other character."""
    rules = [
        (rule.starts, re.compile(f"({rule.token})(?:{rule.ahead})" if rule.ahead else f"({rule.token})"), rule.spell)
        for rule in _GRAMMAR.values()
    ]
    starting = {
        character: [(pattern, spell) for starts, pattern, spell in rules if kind in starts]
        for kind, characters in (("a", ascii_letters), ("1", digits), (".", punctuation.replace("&", "")))
        for character in characters
    }
    return starting, [(pattern, spell) for _, pattern, spell in rules]


# A fast path for most of a caption: words separated by spaces, and the stop at the end.
_WORDS = re.compile(
    r"[A-Za-z]+(?:-[A-Za-z]+)*,?(?: +[A-Za-z]+(?:-[A-Za-z]+)*,?)*(?=[ \n])"
    rf"|(?!(?i:[a-z]|{_ENDERS}|{_TITLES})\.)[A-Za-z]+(?=\.\n)"
)
_BETWEEN = re.compile(rf"(?:[ \t\n]{_SPACE}*|[.,](?=\n)|,(?= ))+")
_FUSED = {
    "cannot": ("can", "not"),
    **{word + "na": (word, "na") for word in ("gon", "wan")},
    **{word + "me": (word, "me") for word in ("gim", "lem")},
    "gotta": ("got", "ta"),
}


def tokenize(text: str) -> list[str]:
    """Split a caption into words.

    Args:
        text: a sentence; may be empty, have several lines, and be in any script.

    Returns:
        Lower-case words, non-empty and without white space.

    Example:
        >>> tokenize("The dog's owner doesn't like black-and-white T-shirts!")
        ['the', 'dog', "'s", 'owner', 'does', "n't", 'like', 'black-and-white', 't-shirts']
    """
    kinds = kinds_of(text) + "\n\n"
    tokens: list[str] = []
    position = 0
    while position < len(text):
        if between := _BETWEEN.match(kinds, position):
            position = between.end()
        elif plain := _WORDS.match(kinds, position):
            words = plain.group().lower().replace(",", "").split()
            tokens += (
                words if _FUSED.keys().isdisjoint(words) else [part for w in words for part in _FUSED.get(w, (w,))]
            )
            position = plain.end()
        else:
            token, position = _longest(text, kinds, position)
            if token not in _PUNCTUATION:
                tokens += token.split()
    return tokens


def _longest(text: str, kinds: str, position: int) -> tuple[str, int]:
    end, after = position, position + 1
    spelled: Callable[[str], str] = _nothing
    starting, rules = _lexer()
    for pattern, spell in starting.get(kinds[position], rules):
        found = pattern.match(kinds, position)
        if found and found.end() > end:
            end, after, spelled = found.end(), found.end(1), spell
    return spelled(text[position:after]).lower(), after
