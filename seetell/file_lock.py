"""Locks on files, which end with the process however that ends."""

from __future__ import annotations

import os
import sys
import weakref
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def try_lock(descriptor: int) -> bool:
    """Lock an open file; return whether nobody else has locked it.

    On a file system without locks, nobody has.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


class FileLock:
    """A lock that one process has at a time; the file exists while it has it, or after it was killed.

    Args:
        path: the file, created where there is none.

    Raises:
        LockedError: another process has the lock.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            if not try_lock(descriptor):
                os.close(descriptor)
                raise LockedError(f"{path} is locked")
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    break
            os.close(descriptor)  # the file that was locked has just been removed by who had it
        self.release = weakref.finalize(self, _release, path, descriptor)
        """Releases the lock; nothing happens if it was released before."""


class LockedError(Exception):
    """Another process has a lock."""


def _release(path: Path, descriptor: int) -> None:
    with suppress(OSError):
        path.unlink()
    os.close(descriptor)
    if sys.platform == "win32":  # which removes no file that is open
        with suppress(OSError):
            path.unlink()
