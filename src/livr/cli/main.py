"""The `livr` command: what is set up before a verb runs, and how it ends."""

from __future__ import annotations

import io
import os
import sys
import warnings

from livr.cli.stop import INTERRUPTED, Stop, Stopped

# Whatever takes time is imported in functions: Ctrl-C is dealt with from `main` on.

USER_ERROR, BUG = 2, 1

_ENDED = "killed by signal: Terminated"
"""What PyTorch says, wherever the command happens to be, when a scheduler's SIGTERM reaches a
process that loads data before it reaches the command."""


def explain(error: BaseException) -> int:
    """Print one message for an error and return the exit code.

    Args:
        error: What stopped the command.

    Returns:
        2 if the user can mend it, 130 after Ctrl-C, 1 for a bug of ours.
    """
    from livr.cli.console import complain
    from livr.errors import LivrError

    if isinstance(error, Stopped):
        complain(f"Stopped. {error}".strip())
        return INTERRUPTED
    if isinstance(error, KeyboardInterrupt) or _ENDED in f"{error} {error.__cause__}":
        complain("Stopped.")
        return INTERRUPTED
    if isinstance(error, LivrError):
        complain(str(error))
        return USER_ERROR
    from livr.train.disk import disk_fault

    fault = disk_fault(error)
    if fault is not None:
        complain(f"{fault}{_then(error)}")
        return USER_ERROR
    kind = type(error).__name__
    if kind == "OutOfMemoryError":
        complain(
            f"{error}\nUse a smaller batch, fewer pixels per image or a smaller "
            "model. In training: optim.per_device=1, gradient_checkpointing=true, val_batch_size=1."
        )
        return USER_ERROR
    complain(
        f"{kind}: {error}\nThis is a bug in livr, not in your input. "
        "Set LIVR_DEBUG=1 to see where it happened, and report it."
    )
    return BUG


def _then(error: BaseException) -> str:
    """What to do about an error of the disk, where that is plain."""
    import errno

    from livr.files import FULL

    number = error.errno if isinstance(error, OSError) else None
    if number in FULL:
        return ". Make room there, or write to another disk"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ". Change its permissions, or choose another place"
    return ""


def main() -> None:
    """Run the command line: exit 0, 2 for an error the user can mend, 1 for a bug."""
    stop = Stop()
    try:
        stop.watch()
        _run()
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if isinstance(error, SystemExit) and not (stop.asked and error.code):
            raise
        if stop.asked:
            stop.ignore()
            meant = isinstance(error, Stopped | KeyboardInterrupt)
            sys.exit(explain(error if meant else KeyboardInterrupt()))
        if os.environ.get("LIVR_DEBUG") and not _is_for_people(error):
            raise
        sys.exit(explain(error))


def _is_for_people(error: BaseException) -> bool:
    from livr.errors import LivrError

    return isinstance(error, LivrError | Stopped)


def _run() -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Pillow warns of pictures that livr refuses in a sentence of its own.
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
    _open_streams()
    from livr.cli.verbs import app

    app()


def _open_streams() -> None:
    """Make standard output and standard error take whatever is written to them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `livr eval >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        stream = getattr(sys, name)
        # File names may hold bytes that are no text, and no output is worth a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
