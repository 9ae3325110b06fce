"""The demo on a tiny random checkpoint: what it writes, that it continues, that it protects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from livr.analysis import demo as module
from livr.analysis.demo import DemoConfig, run_demo
from livr.errors import ConfigError, ModelError
from livr.train.progress import Progress


@pytest.fixture(scope="module")
def config(checkpoints: Callable[..., Path]) -> DemoConfig:
    return DemoConfig(
        tasks=("counting", "visual_similarity"),
        model=str(checkpoints("qwen3_vl")),
        train=8,
        val=4,
        test=6,
        epochs=(1, 1),
    )


@pytest.fixture(scope="module")
def heard() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def out(
    config: DemoConfig, heard: list[Progress], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run_demo(config, folder, on_progress=heard.append)
    return folder


def test_results_have_a_row_per_task_and_method(out: Path) -> None:
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    rows = {(row["task"], row["method"]) for row in found["rows"]}
    methods = ("zero_shot", "sft", "livr")
    assert rows == {(t, m) for t in ("counting", "visual_similarity") for m in methods}
    for row in found["rows"]:
        low, high = row["ci95"]
        assert row["n"] == 6 and low <= row["accuracy"] <= high
        assert (row["train_seconds"] is None) == (row["method"] == "zero_shot")
    assert found["command"].startswith("livr demo --task counting")


def test_both_methods_train_equally_long_on_the_same_data(out: Path) -> None:
    from livr.analysis.runs import read_runs

    runs = {run.method: run for run in read_runs([out / "runs"]) if run.task == "counting"}
    sft, livr = runs["sft"].config, runs["livr"].config
    assert sum(sft["epochs"]) == sum(livr["epochs"]) == 2
    assert {k for k in sft if sft[k] != livr[k]} == {"method", "epochs", "out"}


def test_the_report_shows_curves_and_questions(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in ("Learning curves", "stage 2", "Questions and answers", "data:image/jpeg"):
        assert words in page
    assert "no training records" not in page


def test_progress_runs_from_start_to_end(out: Path, heard: list[Progress]) -> None:
    shares = [state.done / state.total for state in heard]
    assert shares == sorted(shares)
    assert shares[0] < 0.05 and shares[-1] == pytest.approx(1.0)
    phases = " ".join(state.phase for state in heard)
    for words in (
        "making questions",
        "zero-shot",
        "direct SFT",
        "LIVR, stage 1",
        "LIVR, stage 2",
        "test",
    ):
        assert words in phases


def test_a_finished_demo_is_not_run_again(
    out: Path, config: DemoConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("ran again")

    for name in ("train", "evaluate", "build_task"):
        monkeypatch.setattr(module, name, forbidden)
    before = (out / "results.json").read_bytes()
    run_demo(config, out)
    assert (out / "results.json").read_bytes() == before


def test_a_run_that_was_cut_off_is_done_again(out: Path, config: DemoConfig) -> None:
    before = json.loads((out / "results.json").read_text(encoding="utf-8"))
    (out / "runs/counting-livr-42/scores.json").unlink()
    run_demo(config, out)
    after = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert after["rows"] == before["rows"]


def test_other_settings_do_not_mix_with_a_finished_demo(out: Path, config: DemoConfig) -> None:
    with pytest.raises(ConfigError, match="other settings"):
        run_demo(config.model_copy(update={"train": 9}), out)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, config: DemoConfig) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="holds no demo"):
            run_demo(config, tmp_path, overwrite=overwrite)
    for name in ("thesis.txt", "thesis.txt/below"):
        with pytest.raises(ConfigError, match=r"thesis\.txt is not a folder"):
            run_demo(config.model_copy(update={"model": "pico"}), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_wrong_task_leaves_no_trace(tmp_path: Path, config: DemoConfig) -> None:
    with pytest.raises(ConfigError, match="no task 'nope'"):
        run_demo(config.model_copy(update={"tasks": ("nope",)}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wrong_model_leaves_no_trace(tmp_path: Path, config: DemoConfig) -> None:
    with pytest.raises(ModelError, match="pico"):
        run_demo(config.model_copy(update={"model": "pico"}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_an_embedded_model_has_other_settings() -> None:
    """Rates for a model of 2 M parameters would ruin one of 4 B."""
    assert "tune=full" in DemoConfig().settings
    assert DemoConfig(model="Qwen/Qwen3-VL-4B-Instruct").settings == ()
    assert DemoConfig(settings=("seed=3",)).settings == ("seed=3",)
