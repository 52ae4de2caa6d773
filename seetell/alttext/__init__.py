"""Captions as alt text, where people need it: in web pages, in Markdown, and beside photos."""
