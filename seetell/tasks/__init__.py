"""Kinds of answer, one folder each."""
