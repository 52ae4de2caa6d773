"""English words that hold a sentence together and name nothing that could be pointed at in a photo."""

from __future__ import annotations

_ARTICLES_AND_THE_LIKE = "a an the this that these those some any each every no both all another other its his her their"
_PRONOUNS = (
    "i me my you your he him she it we us our they them itself himself herself themselves each who whom whose which "
    "what one ones something someone there here"
)
_AUXILIARIES = (
    "is are was were be been being am 's 're 've 'm 'd 'll has have had having do does did doing can could will would "
    "shall should may might must not n't to"
)
_CONJUNCTIONS = "and or but nor so yet as if while when where than then that because although though"
_PREPOSITIONS = (
    "about above across after against along alongside amid among around at atop away back before behind below beneath "
    "beside besides between beyond by down during for from in inside into like near next of off on onto out outside "
    "over past through throughout to together toward towards under underneath up upon with within without"
)
_DEGREES = "also almost even just only quite rather too very"

FUNCTION_WORDS = frozenset(
    " ".join([_ARTICLES_AND_THE_LIKE, _PRONOUNS, _AUXILIARIES, _CONJUNCTIONS, _PREPOSITIONS, _DEGREES]).split()
)
"""Lower case, as the tokenizer splits them."""
