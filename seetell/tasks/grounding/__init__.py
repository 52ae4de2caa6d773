"""Phrase grounding: the box of each phrase of a sentence."""
