"""Law 8: same seed, same data set, byte for byte. No source image in two splits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from livr.data.build import build_task
from livr.data.pool import load_pool
from livr.data.pool.writers import WRITERS
from livr.data.store import file_sha256

SIZES = {"train": 12, "val": 6, "test": 6}
BUILD = "import sys; from livr.data.build import build_task; build_task(*sys.argv[1:4], {}, 7)"


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module", params=sorted(WRITERS))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / str(request.param)
    build_task(request.param, "pool", folder, SIZES, seed=7)
    return folder


def test_same_seed_same_bytes_in_another_process(built: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    command = [sys.executable, "-c", BUILD.format(SIZES), built.name, "pool", str(again)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "123"})
    assert contents(again) == contents(built)


def test_another_seed_gives_other_questions(built: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    build_task(built.name, "pool", other, SIZES, seed=8)
    first, second = contents(built), contents(other)
    images = [name for name in first if name.startswith("images/train")]
    assert images
    assert any(first[name] != second.get(name) for name in images)


def test_no_source_image_in_two_splits(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    groups = {split: set(names) for split, names in manifest["groups"].items()}
    assert all(groups.values())
    assert not groups["train"] & groups["val"]
    assert not groups["train"] & groups["test"]
    assert not groups["val"] & groups["test"]
    for split, names in groups.items():
        assert names <= {str(image.group) for image in load_pool(split)}, split


def test_pool_groups_lie_in_one_split() -> None:
    split_of: dict[int, str] = {}
    for image in load_pool():
        assert split_of.setdefault(image.group, image.split) == image.split
