"""A cache of the hub as downloads leave it, laid out by hand: two commits of one repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

NAME = "owner/name"
OLD, NEW = "a" * 40, "b" * 40
"""Commits: the tag v1, and the newest, whose weights are others."""


def lay_out(checkpoint: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put both commits of `NAME` below `home` and let nothing else be found; returns the cache."""
    cache = home / "hub"
    repository = cache / "models--owner--name"
    for commit, factor in ((OLD, 1.0), (NEW, 2.0)):
        folder = repository / "snapshots" / commit
        shutil.copytree(checkpoint, folder)
        weights = load_file(folder / "model.safetensors")
        name = next(n for n in sorted(weights) if n.endswith("down_proj.weight"))
        weights[name] = weights[name] * torch.tensor(factor)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (repository / "refs").mkdir()
    (repository / "refs" / "v1").write_text(OLD)
    point_main_to(NEW, cache)
    # Read when huggingface_hub is imported; a process of its own reads them anew.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setitem(os.environ, "HF_HOME", str(home))
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    return cache


def point_main_to(commit: str, cache: Path) -> None:
    """Let a commit be the newest."""
    (cache / "models--owner--name" / "refs" / "main").write_text(commit)
