"""Ctrl-C, and the signals that mean the same. Light: it must be there before anything is slow."""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIKE_CTRL_C = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C, a scheduler, and a terminal that is closed. Windows lacks the last."""
INTERRUPTED = 130
"""Exit status of what was stopped."""


class Stopped(Exception):  # noqa: N818
    """Ctrl-C, under a name that typer does not know: it would exit without a word."""


class Stop:
    """Knows whether the command was asked to stop.

    While libraries are imported, what Ctrl-C raises may come out as an error of another name: some
    catch it and raise their own.

    Attributes:
        asked: Whether it was.
    """

    def __init__(self) -> None:
        self.asked = False

    def watch(self) -> None:
        """Raise KeyboardInterrupt at each of the signals, so that a command tidies up."""
        self._answer(self._raise)

    def ignore(self) -> None:
        """Let nothing disturb the last words of a command, nor the end of Python after them."""
        self._answer(signal.SIG_IGN)
        # Python would end itself by the signal if the first one came inside such a call, which
        # dataclasses make; another one has it forget that.
        exec("")

    def _answer(self, how: Any) -> None:
        for name in _LIKE_CTRL_C:
            number = getattr(signal, name, None)
            if number is None:
                continue
            # nohup, or a shell for what it runs in the background, has it ignored.
            if self.asked or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, how)

    def _raise(self, number: int, _frame: Any) -> None:
        self.asked = True
        if number == getattr(signal, "SIGHUP", None):
            # Shells send it again, which would stop the tidying up.
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt
