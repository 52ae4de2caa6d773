"""The server behind ``seetell serve``: photos in, sentences out, for programs and for a page in the browser."""
