"""English words that hold a sentence together and name nothing that could be pointed at in a photo."""

from __future__ import annotations

_DETERMINERS = (
    "a an the this that these those some any each every no both all another other my your his her its our their"
)
_PRONOUNS = (
    "i me you he him she it we us they them itself himself herself themselves who whom whose which what one ones "
    "something someone there here"
)
_AUXILIARIES = (
    "is are was were be been being am 's 're 've 'm 'd 'll has have had having do does did doing can could will would "
    "shall should may might must not n't to"
)
_CONJUNCTIONS = "but nor so yet as if while when where than then because although though"
_PREPOSITIONS = (
    "about above across after against along alongside amid among around at atop away back before behind below beneath "
    "beside besides between beyond by down during for from in inside into like near next off on onto out outside over "
    "past through throughout together toward towards under underneath up upon with within without"
)
_DEGREES = "also almost even just only quite rather too very"

OPENING_WORDS = frozenset(" ".join([_DETERMINERS, _PRONOUNS, _CONJUNCTIONS, _PREPOSITIONS]).split())
"""Those before which a new part of the sentence may begin."""

JOINING_WORDS = frozenset(f"and or of {_AUXILIARIES} {_DEGREES}".split())
"""Those that tie what follows to what went before: *black and white*, *two dogs are running*, *a group of people*."""

FUNCTION_WORDS = OPENING_WORDS | JOINING_WORDS
"""All of them, in lower case, as the tokenizer splits them."""
