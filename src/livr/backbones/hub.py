"""Where a checkpoint is: a folder, or a repository on the hub at one of its revisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
