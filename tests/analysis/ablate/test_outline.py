"""The cost of the paper's tables where neither weights nor data are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from livr.analysis.ablate import outline as module
from livr.analysis.ablate.cells import recipes
from livr.analysis.ablate.cost import Guess, guess
from livr.analysis.ablate.grid import load_grid
from livr.backbones.published import SHAPES, find_shape
from livr.cli.verbs import load_verb
from livr.data.build import build_task
from livr.data.store import load_split
from livr.errors import ConfigError, ModelError
from livr.recipes import FOLDER
from livr.train import estimate

TABLES = sorted(path.stem for path in (FOLDER / "paper").glob("*.yaml"))
WEIGHTS = {
    "Qwen/Qwen2.5-VL-3B-Instruct": 3_754_622_976,
    "Qwen/Qwen2.5-VL-7B-Instruct": 8_292_166_656,
    "Qwen/Qwen3-VL-4B-Instruct": 4_437_815_808,
}
"""Weights in the files of the published checkpoints."""


def outlined(name: str, gpu: str | None = "H100", **given: Any) -> Guess:
    return guess(load_grid(FOLDER / "paper" / f"{name}.yaml", **given), gpu)


@pytest.mark.parametrize("model", WEIGHTS)
def test_a_published_shape_has_the_weights_of_the_checkpoint(model: str) -> None:
    hf = find_shape(model).skeleton()
    assert estimate.sizes(hf, 0, False).total == WEIGHTS[model]
    assert all(p.is_meta for p in hf.parameters())


def test_lora_trains_what_peft_would() -> None:
    """Rank 16 on all seven projections of a 36-layer Qwen3-4B: 33,030,144 numbers."""
    model = "Qwen/Qwen3-VL-4B-Instruct"
    grid = load_grid(FOLDER / "paper" / "table1-qwen3.yaml")
    run = recipes(grid)["sft", 42]
    assert run is not None and run.lora.r == 16
    assert module._sizes(find_shape(model).skeleton(), run).trainable == 33_030_144


@pytest.mark.parametrize("name", TABLES)
def test_every_table_of_the_paper_has_an_outline(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = outlined(name)
    assert found.machine == "H100" and found.problem and "is not there" in found.problem
    assert found.total is not None and 600 < found.total < 7 * 86_400
    for cell in found.cells:
        assert cell.seconds is not None and cell.seconds > 0
        assert (cell.seconds > 60) == bool(cell.epochs)


def test_what_a_cell_costs_goes_by_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = {(c.task, c.variant): c.seconds or 0.0 for c in outlined("table6-qwen3").cells}
    task = "semantic_correspondence"
    # Latents are a few positions more; pictures given twice are hundreds.
    assert cells[task, "sft"] < cells[task, "livr"] < 1.1 * cells[task, "sft"]
    assert cells[task, "image_twice"] > cells[task, "livr"]
    mirage = {c.variant: c.seconds or 0.0 for c in outlined("table3-qwen2.5").cells}
    assert mirage["mirage"] == pytest.approx(module.SELF_FED * mirage["livr"], rel=0.1)
    # 32,000 questions of SAT instead of 1,000.
    assert max(c.seconds or 0.0 for c in outlined("table4-qwen2.5").cells) > 5_000


def test_small_pictures_are_enlarged_as_the_processor_does() -> None:
    qwen2, qwen3 = (find_shape(f"Qwen/{m}-Instruct") for m in ("Qwen2.5-VL-3B", "Qwen3-VL-4B"))
    assert qwen2.image_tokens(28 * 28 * 10) == 10
    assert qwen3.image_tokens(100) == 64 and qwen3.patches(100) == 256


@pytest.mark.parametrize("task", sorted(set(module.PICTURES) - {"sat", "visual_cot"}))
def test_a_question_shows_as_many_pictures_as_the_built_one(task: str, tmp_path: Path) -> None:
    build_task(task, "pool", tmp_path / task, {"train": 8, "val": 0, "test": 0})
    rows = load_split(tmp_path / task, "train")
    assert {len(row.images) for row in rows} == {module.PICTURES[task][0]}


def test_where_too_little_is_known_there_is_no_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for found in (
        outlined("table1-qwen3", gpu=None),
        outlined("table1-qwen3", model="someone/else-1B"),
    ):
        assert found.total is None and found.problem
    with pytest.raises(ModelError, match=re.escape(next(iter(SHAPES)))):
        find_shape("someone/else-1B")
    with pytest.raises(ConfigError, match="choose one of A100, H100"):
        outlined("table1-qwen3", gpu="GTX 1080")


def test_the_command_says_what_its_estimate_rests_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for gpu, expected in ((["--gpu", "A100"], "an outline"), ([], "--gpu H100 gives an outline")):
        load_verb("ablate").main(["table2-qwen3", "--dry-run", *gpu], standalone_mode=False)
        out = capsys.readouterr().out
        assert expected in out and "not measured" in out and "is not there" in out
