"""Sentences and the parts of photos brought together: which words are true of which region."""
