"""The embedded model: a small vision-language model, an ordinary checkpoint in every respect."""

from __future__ import annotations

from pathlib import Path

from livr.errors import ModelError

CHECKPOINTS = Path(__file__).parent / "checkpoints"
EMBEDDED = ("mini", "nano")
"""Names that stand for shipped checkpoints wherever a model is asked for."""


def checkpoint_dir(name: str = "mini") -> Path:
    """The folder of a shipped checkpoint.

    Raises:
        ModelError: There is no such checkpoint; the message lists those that exist.
    """
    folder = CHECKPOINTS / name
    if not (folder / "config.json").is_file():
        names = sorted(p.parent.name for p in CHECKPOINTS.glob("*/config.json"))
        raise ModelError(f"no embedded model {name!r}; there is {', '.join(names) or 'none yet'}")
    return folder
