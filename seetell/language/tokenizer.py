r"""Split captions into words the way the field's scores do.

The convention is that of the Penn Treebank tokenizer as coco-caption applies it: lower case, contractions split
(``does n't``, ``dog 's``), compounds kept whole (``black-and-white``, ``and/or``), abbreviations with their stop
(``mr.``, ``p.m.``), brackets named ``-lrb- -rrb-`` and so on, and these dropped: full stop, ellipsis, comma, colon,
semicolon, dash, quote, and a question or exclamation mark that stands alone (``?!`` and ``!!`` are words).

One expression holds the rules, tried in order at each place; what none of them takes is white space or dropped.
"""

from __future__ import annotations

import re

# Combining marks are no word characters to `re`, yet belong to the word that they mark.
_MARKS = "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u0e3a\u0e40-\u0e7f\u1ab0-\u1aff\u20d0-\u20ff"
_CHARACTER = rf"(?:[^\W_]|[{_MARKS}])"  # a letter, digit or mark
_LETTER = r"[^\W\d_]"
_PART = rf"{_CHARACTER}+(?:[-_]{_CHARACTER}+)*"  # a word with its hyphens

# Kept with their stop in any spelling.
_ABBREVIATIONS = (
    "mr mrs ms messrs mme mlle dr prof ph.d st esq msgr rev hon pres gov sen sens rep reps supt supts insp det "
    "gen col capt cpl sgt maj adm lt lieut brig cmdr comdr pvt pfc spc ens "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri "
    "inc corp co cos ltd plc bros bhd jr sr etc vs v al cf est ext tel sq ft mo mt ph ave blvd rd ct bldg dept ste "
    "assn assoc univ natl intl mfg elec wm jos calif ala ariz colo conn fla ga ind kan ky md mich minn mont neb nev "
    "okla penn tenn va vt wis wyo"
)
_CAPITALISED_ABBREVIATIONS = "Ark Del Ill La Mass Miss Ore Pa Tex Wash"
_ABBREVIATIONS_BEFORE_NUMBERS = "no nos fig figs pp ca op art prop"

# A single letter before one of these ends its sentence and loses the stop; elsewhere it is an initial.
_STARTS = (
    "The They A An In He She It This That There We You Her Their Some One But Then While As At These What Our Many If "
    "So When After"
)


def _any(words: str) -> str:
    return "(?:" + "|".join(map(re.escape, sorted(words.split(), key=len, reverse=True))) + ")"


_TOKEN = re.compile(
    rf"""
      [a-z]+(?=\s)(?<!cannot)(?<!gonna)(?<!wanna)(?<!gotta)(?<!gimme)(?<!lemme)  # most words: only to be quick
    | (?:https?://|www\.)[^\s<>()]*[\w/]                       # address of a page
    | (?<![\w.+-])[\w.+-]+@{_PART}(?:\.{_PART})+               # address of a person
    | \#{_LETTER}+ | @{_LETTER}\w*
    # words that are written together
    | (?:can(?=not) | (?:gon|wan)(?=na) | got(?=ta) | (?:gim|lem)(?=me))(?=[a-z]+(?![\w'-]))
    | 't(?=(?:is|was)\b)
    | [yj]'(?={_LETTER})
    # contractions, their second half first
    | n't(?!\w)
    | '(?:s|m|d|re|ve|ll)(?!\w)
    | {_LETTER}+?(?=n't(?!\w))
    # words with an apostrophe of their own
    | 'n' | '(?:em|till?|cause|n)(?!\w) | (?<!\w)'\d\ds?(?!\w)
    | (?:[cdlo]|qu|n?e)'(?!(?:re|ve|ll)\b){_CHARACTER}{{2,}} | ma'am\b | s'mores\b
    # numbers with a point, comma, colon or stroke, and signed ones
    | [-+]?(?:\d+[.,:/]|[.,])\d+(?:[.,:/]\d+)*(?:-(?!\d+:){_PART})?
    | [-+]\d+(?:-\d+)*(?!\w)
    # initials and abbreviations
    | (?:{_LETTER}\.){{2,}}(?:-?{_PART})?
    | {_LETTER}\.(?!\w|\s+(?-i:{_any(_STARTS)})\b)
    | (?=[a-z.]{{1,7}}\.){_any(_ABBREVIATIONS)}\.(?!\w)
    | (?-i:{_any(_CAPITALISED_ABBREVIATIONS)})\.(?!\w)
    | {_any(_ABBREVIATIONS_BEFORE_NUMBERS)}\.(?=\s*\d)
    | {_LETTER}{_CHARACTER}*(?:\.{_LETTER}{_CHARACTER}*)+
    # words
    | (?-i:[A-Z]+(?:&[A-Z]+)+)
    | c\+\+ | [cf]\#(?!\w)
    | {_PART}(?:/{_PART}){{0,2}}
    # signs that stay
    | -[lr][rsc]b-
    | [?!]{{2,}} | \*+ | _+
    | [][(){{}}$%&+#@=<>/\\^|~]
    | (?![\s\u200b-\u200f\u202a-\u202e\u2060-\u206f])[\u00a1-\u2bff\u3001-\u303f\uff01-\uff65]  # no invisible ones
    """,
    re.VERBOSE | re.IGNORECASE,
)

# Typographic signs become the plain ones of the convention; quotes, dashes and ellipses, which are dropped, a space.
_PLAIN = str.maketrans(
    dict.fromkeys('"`‘‛“”«»‹›–—―…', " ")
    | {"’": "'", "\u00ad": "", "\u2011": "-", "\u2010": "-"}
    | {"€": " $ ", "£": " # ", "¢": " cents ", "¼": " 1/4 ", "½": " 1/2 ", "¾": " 3/4 ", "⅓": " 1/3 ", "⅔": " 2/3 "}
)
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}


def tokenize(text: str) -> list[str]:
    """Return the words of a caption.

    Args:
        text: a sentence as people write it; may be empty, of several lines, or in any script.

    Returns:
        Lower-case words without white space in them, none empty.

    Example:
        >>> tokenize("The dog's owner doesn't like black-and-white T-shirts!")
        ['the', 'dog', "'s", 'owner', 'does', "n't", 'like', 'black-and-white', 't-shirts']
    """
    tokens = _TOKEN.findall(text.translate(_PLAIN))
    return [_BRACKETS.get(token) or token.lower() for token in tokens]
