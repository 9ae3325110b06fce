"""FrozenLake maps: the simulator against walks done by hand, the generator, the built set."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livr.data.build import build_task
from livr.data.check import check_folder
from livr.data.convert import convert, export_parquet
from livr.data.lake import (
    Outcome,
    board_problem,
    canonical,
    make_board,
    reaches_goal,
    shortest_path,
    straight_paths,
    walk,
)
from livr.data.shortcuts import Clue, measure
from livr.data.store import load_split
from livr.data.tasks.lake_drawing import PATH, draw_board, draw_path
from livr.data.tasks.vsp import split_of
from livr.errors import DataError
from tests.data.reading import read_examples

BOARD = ("SFH", "HFF", "GFH")
SIZES = {"train": 24, "val": 8, "test": 8}
WALKS = [
    ("RDDL", Outcome.GOAL),
    ("RDRLDL", Outcome.GOAL),  # a detour
    ("RDDLUUU", Outcome.GOAL),  # what follows the goal is not walked
    ("RR", Outcome.HOLE),
    ("DDD", Outcome.HOLE),  # the first move ends it
    ("U", Outcome.OUTSIDE),
    ("LRDDL", Outcome.OUTSIDE),
    ("RDD", Outcome.SHORT),
    ("", Outcome.SHORT),
]


@pytest.mark.parametrize(("moves", "outcome"), WALKS)
def test_walks(moves: str, outcome: Outcome) -> None:
    assert walk(BOARD, moves) is outcome
    assert reaches_goal(BOARD, ",".join(moves)) is (outcome is Outcome.GOAL)


@pytest.mark.parametrize("answer", ["B", "R,D,X", "7", "r,d,d,l"])
def test_what_is_no_path_reaches_nothing(answer: str) -> None:
    assert not reaches_goal(BOARD, answer)


def test_the_shortest_path_is_safe_and_shortest() -> None:
    assert shortest_path(BOARD, random.Random(0)) == "RDDL"
    assert shortest_path(("SH", "HG"), random.Random(0)) is None
    open_lake = ("SFF", "FFF", "FFG")
    found = {shortest_path(open_lake, random.Random(seed)) for seed in range(40)}
    assert len(found) > 2
    assert {len(path or "") for path in found} == {4}


@pytest.mark.parametrize("size", [3, 5, 8])
def test_generated_maps_are_solvable_and_not_straight(size: int) -> None:
    rng = random.Random(size)
    boards = [board for _ in range(400) if (board := make_board(size, (0.15, 0.4), rng))]
    assert len(boards) > 3
    for board in boards:
        assert board_problem(board) is None
        assert {len(row) for row in board} == {len(board)} == {size}
        path = shortest_path(board, rng)
        assert path is not None
        assert walk(board, path) is Outcome.GOAL
        assert len(set(path)) > 1
        for guess in straight_paths(board):
            assert len(guess) <= len(path)
            assert walk(board, guess) is Outcome.HOLE


def test_turned_and_mirrored_maps_share_a_split() -> None:
    turned = tuple("".join(column) for column in zip(*reversed(BOARD), strict=True))
    mirrored = tuple(row[::-1] for row in BOARD)
    assert canonical(turned) == canonical(mirrored) == canonical(BOARD)
    assert split_of(turned) == split_of(mirrored) == split_of(BOARD)
    assert canonical(("SFF", "HFF", "GFH")) != canonical(BOARD)


@pytest.mark.parametrize("board", [(), ("SG", "F"), ("SX", "GF"), ("SF", "FF"), ("SS", "GF")])
def test_wrong_boards_are_named(board: tuple[str, ...]) -> None:
    assert board_problem(board)


@pytest.mark.parametrize("side", [36, 96, 240])
def test_every_cell_can_be_told_from_its_pixels(side: int) -> None:
    image = draw_board(BOARD, side)
    pixels = np.asarray(image).astype(int)
    cell = side // 3
    colours = {}
    for row, line in enumerate(BOARD):
        for column, character in enumerate(line):
            inner = pixels[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            colours.setdefault(character, []).append(inner.reshape(-1, 3).mean(axis=0))
    means = {character: np.mean(found, axis=0) for character, found in colours.items()}
    for a in means:
        for b in means:
            assert a == b or np.abs(means[a] - means[b]).max() > 50
    drawn = np.asarray(draw_path(BOARD, "RDDL", side))
    x, y = int(1.5 * cell), int(1.5 * cell)
    assert tuple(drawn[y, x]) == PATH
    assert tuple(drawn[y, int(2.5 * cell)]) != PATH


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lakes") / "vsp"
    build_task("vsp", "pool", out, SIZES, seed=3)
    return out


def test_vsp_needs_no_source(lakes: Path, tmp_path: Path) -> None:
    manifest = json.loads((lakes / "manifest.json").read_text())
    assert manifest["counts"] == SIZES
    assert check_folder(lakes).problems == []
    seen: dict[tuple[str, ...], str] = {}
    for split in SIZES:
        for row in load_split(lakes, split):
            assert row.board is not None
            assert reaches_goal(row.board, row.answer)
            assert seen.setdefault(canonical(row.board), split) == split
            assert split_of(row.board) == split
            (picture,), (helper,) = row.images, row.helper_images
            with Image.open(str(picture)) as plain, Image.open(str(helper)) as drawn:
                assert plain.size == drawn.size
                assert plain.tobytes() != drawn.tobytes()
    assert {len(board) for board in seen} == {3, 4, 5, 6, 7, 8}
    with pytest.raises(DataError, match="leave --source out"):
        build_task("vsp", tmp_path, tmp_path / "set", SIZES)


def test_same_seed_same_maps(lakes: Path, tmp_path: Path) -> None:
    again = build_task("vsp", "pool", tmp_path / "again", SIZES, seed=3)
    other = build_task("vsp", "pool", tmp_path / "other", SIZES, seed=4)
    first = json.loads((lakes / "manifest.json").read_text())
    assert again["sha256"] == first["sha256"]
    assert other["sha256"] != first["sha256"]


def test_a_used_up_size_gives_way(tmp_path: Path) -> None:
    manifest = build_task("vsp", "pool", tmp_path / "set", {"test": 600}, seed=0)
    assert manifest["counts"] == {"test": 600}
    assert manifest["dropped"]["test"] == {"maps of 3 x 3 used up": 1}


def test_shortcuts_of_paths_are_measured_by_walking(lakes: Path) -> None:
    manifest = json.loads((lakes / "manifest.json").read_text())
    assert {"majority_answer", "straight_across_first", "straight_along_first"} == set(
        manifest["shortcuts"]
    )
    assert all(score["ok"] for score in manifest["shortcuts"].values())
    open_lake = ("SFF", "FFF", "FFG")
    rows = {split: [Clue("R,D,R,D", {}, open_lake)] * 20 for split in ("train", "test")}
    leaks = measure(rows, 0.02)
    assert [score["accuracy"] for score in leaks.values()] == [1.0, 1.0, 1.0]
    assert not any(score["ok"] for score in leaks.values())


def test_helper_images_and_boards_survive_other_formats(lakes: Path, tmp_path: Path) -> None:
    export_parquet(lakes, tmp_path / "parquet")
    convert(tmp_path / "parquet" / "val.parquet", tmp_path / "back", val=0, test=0)
    back = {row.id: row for row in load_split(tmp_path / "back", "train")}
    assert len(back) == SIZES["val"]
    for before in load_split(lakes, "val"):
        after = back[before.id]
        assert after.board == before.board
        assert len(after.helper_images) == 1
        with (
            Image.open(str(before.helper_images[0])) as a,
            Image.open(str(after.helper_images[0])) as b,
        ):
            assert a.tobytes() == b.tobytes()
    assert len(read_examples(tmp_path / "parquet" / "train.parquet")) == SIZES["train"]


def test_a_missing_helper_image_or_a_wrong_board_is_named(lakes: Path, tmp_path: Path) -> None:
    lines = (lakes / "val.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    rows[0]["helper_images"] = ["images/gone.png"]
    rows[1]["board"] = ["SF", "FX"]
    for row in rows:
        row["images"] = []
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError) as caught:
        load_split(tmp_path, "train")
    messages = [(p.row, p.message) for p in caught.value.problems]
    assert (1, "image images/gone.png does not exist") in messages
    assert any(row == 2 and "'X'" in message for row, message in messages)
