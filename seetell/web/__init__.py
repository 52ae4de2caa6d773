"""Web UI and HTTP API behind ``seetell serve``."""
