"""What decoders raise, told as what is the matter with a photo."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from seetell.errors import PhotoError, PhotoFormatError, PhotoMemoryError

_UNSUPPORTED_KIND = re.compile(
    r"unsupported|not supported|cannot handle|unknown (pixel mode|data organization|raw mode)|"
    r"illegal conversion|not implemented|unknown compression",
    re.IGNORECASE,
)
"""What Pillow says of files that are sound, but of a kind that it does not decode."""


@contextmanager
def photo_errors(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a ``PhotoError`` that names the photo."""
    try:
        yield
    except PhotoError as error:
        if str(error).startswith(f"{name}: "):
            raise
        raise type(error)(f"{name}: {error}") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name}: has more pixels than Pillow decodes ({one_line(error)})") from error
    except MemoryError as error:
        raise PhotoMemoryError(f"{name}: not enough memory to decode it") from error
    except Exception as error:  # a decoder meeting hostile bytes may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise PhotoError(f"{name}: {_reason(name, error)}") from error
        reason = one_line(error)
        if isinstance(error.__cause__, KeyError) and reason.isdecimal():  # a TIFF tag's value
            reason = f"unknown compression {reason}"
        if "out of memory" in reason.lower():
            raise PhotoMemoryError(f"{name}: not enough memory to decode it") from error
        if _UNSUPPORTED_KIND.search(reason):
            raise PhotoFormatError(
                f"{name}: a kind of its format that is not supported ({reason}); save it as PNG or JPEG"
            ) from error
        cut_short = "cut short or " if isinstance(error, OSError) else ""
        raise PhotoError(f"{name}: the file is {cut_short}damaged ({reason})") from error


def _reason(name: str, error: OSError) -> str:
    if re.match(r"[a-z][a-z0-9+.-]+://", name, re.IGNORECASE):
        return "is an address, not a file; download it first: curl -O ADDRESS"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder; expected a photo file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if error.errno == errno.ENOMEM:
        return "not enough memory to read it"
    return f"cannot be read ({error.strerror})"


def one_line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
