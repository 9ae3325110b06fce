"""Where a checkpoint is: a folder, or a repository on the hub at one of its revisions."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from transformers.utils.hub import resolve_revision

from livr.errors import ModelError

Place = tuple[str, dict[str, str]]
"""Folder or hub id of a checkpoint, and its revision as the functions of transformers take it."""

_ON_HUB = re.compile(r"(\w[\w.-]*/[\w.-]+)(?:@(\S+))?")
_COMMIT = "_livr_commit"


def must_look_like_a_checkpoint(source: str) -> None:
    """Refuse what names neither a checkpoint folder nor a repository on the hub.

    Raises:
        ModelError: See above.
    """
    folder = Path(source)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{source} is a folder but holds neither config.json (a checkpoint) "
                "nor config.yaml (a run of livr train)"
            )
        return
    before, _, revision = source.partition("@")
    if before and revision and Path(before).is_dir():
        raise ModelError(
            f"{source}: {before} is a folder, and only checkpoints on the hub have revisions; "
            f"leave out @{revision}"
        )
    if _ON_HUB.fullmatch(source) is None:
        raise ModelError(
            f"{source}: no such folder, and a hub id has the form owner/name or "
            "owner/name@revision (a branch, a tag or a commit)"
        )


def at_revision(source: str) -> Place:
    """Where a checkpoint is. Its commit is looked up here, once: what is loaded is all of it.

    Args:
        source: A folder; `owner/name`; or `owner/name@revision`, a branch, a tag or a commit.
    """
    found = None if Path(source).is_dir() else _ON_HUB.fullmatch(source)
    if found is None:
        return source, {}
    revision = resolve_revision(found[1], found[2])
    return found[1], {} if revision is None else {"revision": revision}


def not_reached(source: str, error: Exception) -> str | None:
    """What to do about a checkpoint that the hub was not asked for; None if the error is another.

    Args:
        source: `owner/name` or `owner/name@revision`.
        error: What transformers raised.
    """
    if "couldn't connect to" not in str(error):
        return None
    name, _, revision = source.partition("@")
    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "no connection"
    command = f"hf download {name}{f' --revision {revision}' if revision else ''} --local-dir DIR"
    return (
        f"it is not on this machine, or not all of it, and the hub is out of reach ({why}). Run "
        f"{command} where there is a connection, copy DIR to this machine and give it in place "
        f"of {source}"
    )


def commit_in(at: Mapping[str, str]) -> str | None:
    """The commit that `at_revision` found; None for a folder."""
    commit: str | None = getattr(at.get("revision"), "resolved", None)
    return commit


def remember_commit(hf: Any, at: Mapping[str, str]) -> None:
    """Let a model know the commit that it was loaded from, for `commit_of`."""
    setattr(hf, _COMMIT, commit_in(at))


def commit_of(hf: Any) -> str | None:
    """The commit that a model of `load_backbone` was loaded from; None for a folder."""
    commit: str | None = getattr(hf, _COMMIT, None)
    return commit


def warn_of_another_commit(hf: Any, source: str, run: Path, trained: str | None) -> None:
    """Say so where the checkpoint's files on the hub were changed since a run.

    Args:
        hf: The model, just loaded.
        source: Where from.
        run: The folder of the run.
        trained: The commit that the run was trained on, if it is known.
    """
    loaded = commit_of(hf)
    if trained and loaded and trained != loaded:
        hub_id = source.partition("@")[0]
        warnings.warn(
            f"{run} was trained on {hub_id} at commit {trained}, and is now put on commit "
            f"{loaded}; to get the former, write `model: {hub_id}@{trained}` in the run's "
            "config.yaml",
            stacklevel=4,  # where `livr.load` was called
        )


def base_is_gone(run: Path, checkpoint: str) -> ModelError:
    """The error of a run whose base model is not where it was in training.

    Args:
        run: The folder of the run.
        checkpoint: Folder or hub id of the model.
    """
    return ModelError(
        f"{run} was trained on {checkpoint}, which cannot be read now; put it back, or name its "
        f"new place under `model` in {run / 'config.yaml'}"
    )
