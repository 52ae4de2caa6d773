"""Captions as alt text: in web pages, in Markdown, and in sidecar files of photos."""
