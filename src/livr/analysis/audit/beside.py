"""What stands beside the audited run, its control and its baseline: whether they are any."""

from __future__ import annotations

from collections.abc import Iterator
from os import fspath
from pathlib import Path
from typing import Any

from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.method.bottleneck import ORDINARY
from livr.method.variants import VARIANTS
from livr.model.load import read_settings
from livr.model.model import Model
from livr.settings import read_object
from livr.train.folder import LEARNT

_AGAIN = "copy the run again"


def refuse_no_control(model: Any, control: Any, baseline: Any) -> None:
    """Refuse what cannot be a control or a baseline of a run.

    Args:
        model: The audited run; a loaded model is not looked at, nor is one that is no run.
        control: Should be latents that never had the bottleneck; or None.
        baseline: Should be a run without latents; or None.

    Raises:
        ConfigError: One of them is something else.
        ModelError: The settings of a run cannot be read.
    """
    own = _folder(model)
    for option, other, wanted in (
        ("--control", control, "a latents_only run"),
        ("--baseline", baseline, "an sft run"),
    ):
        folder = _folder(other)
        if folder is None:
            continue
        if own is not None and folder.resolve() == own.resolve():
            raise ConfigError(f"{option} {folder} is the audited run itself; give {wanted}")
        settings = _settings(folder)
        arm = VARIANTS.get(settings.method) if settings is not None else None
        if arm is None:
            continue
        hides = any(stage.asked is not ORDINARY for stage in arm.stages)
        if option == "--control" and (hides or not arm.latents):
            why = "whose latents had a bottleneck" if arm.latents else "which has no latents"
            raise ConfigError(
                f"{option} {folder} was trained with method {arm.name}, {why}; give a run with "
                "latents and without a bottleneck: livr train livr --set method=latents_only"
            )
        if option == "--baseline" and arm.latents:
            raise ConfigError(
                f"{option} {folder} was trained with method {arm.name}, which has latents; give "
                "a run without: livr train sft"
            )


def doubts(model: Any, control: Any, baseline: Any) -> tuple[str, ...]:
    """Sentences on what makes a comparison with the control or the baseline doubtful.

    Args: those of `refuse_no_control`.
    """
    own = _folder(model)
    settings = None if own is None else _settings(own)
    if own is None or settings is None:
        return ()
    said = []
    for option, other in (("--control", control), ("--baseline", baseline)):
        folder = _folder(other)
        if folder is None:
            continue
        theirs = _settings(folder)
        if theirs is None:
            said.append(f"{option} {folder} is no run of livr train, so it learnt nothing here.")
            continue
        for what in _differing(own, settings, folder, theirs):
            said.append(
                f"{option} {folder} was trained on {what}: a difference to it may come from "
                "there. Train one on the same."
            )
    return tuple(said)


def _differing(
    own: Path, settings: TrainConfig, folder: Path, theirs: TrainConfig
) -> Iterator[str]:
    """In words, what of the data and the base model is another."""
    rows, their_rows = _rows(own), _rows(folder)
    known = bool(rows and their_rows)
    # The same data may lie elsewhere; of older runs nothing but its place is known.
    other = rows != their_rows if known else _name(settings.data) != _name(theirs.data)
    if other:
        changed = " that has changed since" if theirs.data == settings.data else ""
        yield f"other data ({theirs.data}{changed}, the audited run on {settings.data})"
    if _name(theirs.model) != _name(settings.model):
        yield f"another model ({theirs.model}, the audited run on {settings.model})"


def _name(place: str | Path | None) -> str:
    """The last part of a path: folders may have moved together."""
    return "" if place is None else Path(place).name


def _rows(run: Path) -> dict[str, Any]:
    """Hashes of the rows that a run learnt from; empty if it does not know them."""
    file = run / LEARNT
    return read_object(file, _AGAIN) if file.is_file() else {}


def _folder(source: Any) -> Path | None:
    """The place of something that is not loaded yet."""
    return None if source is None or isinstance(source, Model) else Path(fspath(source))


def _settings(folder: Path) -> TrainConfig | None:
    """The settings of a run; None if it is none."""
    file = folder / "config.yaml"
    return read_settings(file) if file.is_file() else None
