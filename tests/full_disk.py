"""A disk that takes no more, as far as this process is concerned."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def full_disk() -> Iterator[Callable[[int], None]]:
    """`limit(bytes)` in the block: no file may grow beyond that.

    A block and no fixture: what pytest says of a test goes into a file, too, and it says so before
    it takes fixtures down.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signals)
