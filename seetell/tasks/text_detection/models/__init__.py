"""Networks that find text, one paper a file."""
