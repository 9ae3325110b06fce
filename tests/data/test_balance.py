"""Places and brightness do not tell the answer on the embedded pictures."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from livr.data.build import build_task
from livr.data.store import load_split
from livr.data.tasks import TASKS
from livr.data.tasks.points import Balance

SIZE = (160, 120)
CUES = {
    "visual_correspondence": "point_distance_to_ref",
    "semantic_correspondence": "point_distance_to_ref",
    "functional_correspondence": "point_distance_to_ref",
    "relative_reflectance": "point_brightness",
}


def ranks(point: tuple[float, float], points: list[tuple[float, float]]) -> int:
    return sum(math.dist(point, other) < math.dist(point, points[0]) for other in points[1:])


def test_balance_accepts_every_rank_equally_often() -> None:
    rng = random.Random(0)
    balance = Balance(200)
    counts = {"reference": [0] * 4, "middle": [0] * 4}
    taken = 0
    while taken < 200:
        points = [(rng.uniform(0, SIZE[0]), rng.uniform(0, SIZE[1])) for _ in range(4)]
        reference = (points[0][0] + rng.gauss(0, 25), points[0][1] + rng.gauss(0, 25))
        if balance.accept(SIZE, reference, points):
            taken += 1
            counts["reference"][ranks(reference, points)] += 1
            counts["middle"][ranks((80, 60), points)] += 1
    for found in counts.values():
        assert max(found) - min(found) <= 4


def test_a_loosened_balance_takes_what_comes() -> None:
    balance = Balance(100)
    points = [(80.0, 60.0), (10.0, 10.0), (150.0, 10.0), (10.0, 110.0)]

    def accepted() -> int:
        return sum(balance.accept(SIZE, points[0], points) for _ in range(100))

    assert accepted() == 4  # always the nearest: the others are missing
    assert balance.loosen()
    assert accepted() == 4
    while balance.loosen():
        pass
    assert accepted() == 100


@pytest.mark.parametrize("task", sorted(CUES))
def test_the_construction_leaves_no_cue(task: str, tmp_path: Path) -> None:
    manifest = build_task(task, "pool", tmp_path / "set", {"train": 40, "val": 40})
    assert manifest["counts"] == {"train": 40, "val": 40}, manifest["dropped"]
    assert manifest["cues"] == {}
    assert manifest["config"]["balanced"]
    score = manifest["shortcuts"][CUES[task]]
    assert score["ok"], score
    for split, groups in manifest["groups"].items():
        rows = load_split(tmp_path / "set", split)
        assert {name for row in rows for name in row.sources} == set(groups)


def test_without_balance_the_cue_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = TASKS["relative_reflectance"]
    plain = replace(task, pool=replace(task.pool, balanced=False))
    monkeypatch.setitem(TASKS, task.name, plain)
    manifest = build_task(task.name, "pool", tmp_path / "set", {"train": 60, "val": 60})
    assert not manifest["shortcuts"]["point_brightness"]["ok"]
