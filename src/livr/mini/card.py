"""What is known about an embedded checkpoint, kept beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from livr.errors import ModelError
from livr.mini import checkpoint_dir

CARD = "mini.json"


class MiniCard(BaseModel):
    """How a checkpoint was made and what it can do.

    Attributes:
        name: Its name.
        parameters: Number of weights.
        recipe: The pre-training settings; `livr mini pretrain` with them rebuilds it.
        skills: Per skill of the curriculum: right answers and questions, on held-out pictures.
        licence: Of the weights.
        pictures: What it was trained on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    parameters: int
    recipe: dict[str, Any]
    skills: dict[str, tuple[int, int]]
    licence: str = "Apache-2.0"
    pictures: str = "training split of the embedded pool (public domain, CC0) and drawn scenes"

    @property
    def accuracy(self) -> float:
        """Share of right answers over all skills."""
        right, asked = (sum(v) for v in zip(*self.skills.values(), strict=True))
        return float(right / asked)

    def save(self, folder: Path) -> None:
        """Write the card into a checkpoint folder."""
        (folder / CARD).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def card_folder(name: str) -> Path:
    """The checkpoint folder behind a name or a path.

    Raises:
        ModelError: Neither an embedded checkpoint nor a checkpoint folder.
    """
    return Path(name) if (Path(name) / CARD).is_file() else checkpoint_dir(name)


def read_card(name: str = "mini") -> MiniCard:
    """The card of a shipped checkpoint, or of a folder that `livr mini` made.

    Raises:
        ModelError: There is no such checkpoint, or it has no card.
    """
    file = card_folder(name) / CARD
    try:
        return MiniCard.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot read the card of {name}: {error}") from error
