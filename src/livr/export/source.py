"""What an export is made from: a finished run and the checkpoint it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers.utils import cached_file

from livr.backbones.hub import Place, at_revision, base_is_gone, commit_in
from livr.config import LatentsConfig, TrainConfig
from livr.errors import ModelError
from livr.method.variants import VARIANTS
from livr.mini import EMBEDDED, checkpoint_dir
from livr.model.adapter import read_about
from livr.model.load import read_settings
from livr.settings import read_object


@dataclass(frozen=True)
class Source:
    """A finished run.

    Attributes:
        run: Its folder.
        config: Its settings.
        checkpoint: Folder of the checkpoint it was trained on, or hub id, `@revision` included.
        trust_remote_code: Whether the checkpoint's own code may run. Never taken from the run.
    """

    run: Path
    config: TrainConfig
    checkpoint: str
    trust_remote_code: bool = False

    @property
    def adapter(self) -> Path:
        """What the run trained."""
        return self.run / "adapter"

    @cached_property
    def about(self) -> dict[str, Any]:
        """How the adapter is made up, as `livr.model.adapter` wrote it."""
        return read_about(self.adapter)

    @property
    def latents(self) -> LatentsConfig | None:
        """The run's latents, or None."""
        found: LatentsConfig | None = self.about["latents"]
        return found

    @cached_property
    def place(self) -> Place:
        """The checkpoint for the functions of transformers."""
        return at_revision(self.checkpoint)

    @property
    def hub_id(self) -> str | None:
        """The checkpoint's name on the hub, without a revision; None for a folder."""
        name, _ = self.place
        return None if Path(name).is_dir() else name

    @property
    def commit(self) -> str | None:
        """The commit of the checkpoint on the hub; None for a folder."""
        return commit_in(self.place[1])

    @property
    def base_name(self) -> str:
        """The checkpoint's name for people: a hub id, `mini`, or a folder without its parents."""
        folder = Path(self.config.model)
        return folder.name if folder.is_dir() else self.config.model

    @property
    def own_code(self) -> dict[str, str]:
        """Classes that the checkpoint brings itself, by auto class; empty where none may run."""
        named: dict[str, str] = self.json("config.json").get("auto_map") or {}
        return named if self.trust_remote_code else {}

    def json_in_run(self, name: str) -> dict[str, Any]:
        """A JSON file of the run folder; empty if it is missing."""
        path = self.run / name
        return read_object(path, "copy it again") if path.is_file() else {}

    def file(self, name: str) -> Path | None:
        """A file of the checkpoint, on disk, or None if it has none of that name.

        Raises:
            ModelError: There is no checkpoint where it was in training.
        """
        folder, at = self.place
        try:
            found = cached_file(folder, name, _raise_exceptions_for_missing_entries=False, **at)
        except (OSError, ValueError) as error:
            raise base_is_gone(self.run, self.checkpoint) from error
        return None if found is None else Path(found)

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file of the checkpoint; empty if it is missing."""
        path = self.file(name)
        return {} if path is None else read_object(path, "copy it again")


def read_source(model: Path, trust_remote_code: bool = False) -> Source:
    """Look at a run folder.

    Args:
        model: The folder.
        trust_remote_code: Whether the code of its checkpoint may run.

    Raises:
        ModelError: It is no run, one that has not finished or whose settings cannot be read, or
            one of an arm that no other program could ask: image twice, Mirage.
    """
    file = model / "config.yaml"
    if not file.is_file():
        is_checkpoint = (model / "config.json").is_file()
        why = "is a checkpoint already; it needs no export" if is_checkpoint else "is no run"
        raise ModelError(
            f"{model} {why}. livr export takes the folder that livr train wrote (with config.yaml "
            "and adapter/ in it)"
        )
    if not (model / "adapter").is_dir():
        raise ModelError(
            f"{model} is a run that has not finished; continue it with livr train ... --resume"
        )
    config = read_settings(file)
    arm = VARIANTS.get(config.method)
    if arm is not None and (arm.repeats or arm.home is not None):
        raise ModelError(
            f"{model} cannot be exported: method {arm.name} needs more than a checkpoint and a "
            "chat template at inference. Use it through livr (livr eval, livr predict, livr.load)"
        )
    name = config.model
    checkpoint = str(checkpoint_dir(name)) if name in EMBEDDED else name
    return Source(model, config, checkpoint, trust_remote_code)
