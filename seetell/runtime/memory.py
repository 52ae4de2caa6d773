"""Memory that was freed but that the process still holds."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def return_freed_memory() -> None:
    """Give freed memory back to the system, where the C library can: loading a model leaves some 40 MB of it.

    ONNX Runtime reads graphs and arrays, makes others of them, and frees the first; glibc keeps the pages for later.
    """
    with suppress(AttributeError, OSError, TypeError):  # of other libraries; on Windows there is no CDLL(None)
        ctypes.CDLL(None).malloc_trim(0)
