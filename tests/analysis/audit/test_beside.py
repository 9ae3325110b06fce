"""A control that is none is refused before anything is loaded; a doubtful one is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests import tiny
from tests.analysis.audit.test_result import AUDIT

import livr
from livr.analysis.audit.beside import doubts, refuse_no_control
from livr.analysis.audit.result import read, write
from livr.analysis.audit.run import audit
from livr.config import TrainConfig, dump
from livr.errors import ConfigError, ModelError
from livr.model.adapter import save_adapter
from livr.train.folder import LEARNT


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run of each method, all on the same rows."""
    for method in ("livr", "livr_k4", "latents_only", "sft", "prompt_tuning"):
        make(tmp_path / method, method.removesuffix("_k4"))
    return tmp_path


def make(folder: Path, method: str, rows: str | None = "0a", **settings: object) -> Path:
    folder.mkdir()
    epochs = (1, 1) if method == "livr" else (1,)
    given = {"method": method, "epochs": epochs, "data": "data/parts", "model": "mini"} | settings
    dump(TrainConfig.model_validate(given), folder / "config.yaml")
    if rows is not None:
        (folder / LEARNT).write_text(json.dumps({"train.jsonl": rows}))
    return folder


@pytest.mark.parametrize(("control", "baseline", "reason"), [
    ("livr", None, "--control .*livr is the audited run itself; give a latents_only run"),
    (None, "livr", "--baseline .*livr is the audited run itself; give an sft run"),
    ("sft", None, "--control .*sft was trained with method sft, which has no latents"),
    ("livr_k4", None, "method livr, whose latents had a bottleneck; give a run with latents"),
    (None, "latents_only", "--baseline .* method latents_only, which has latents; give a run"),
])  # fmt: skip
def test_what_is_no_control_is_refused(
    runs: Path, control: str | None, baseline: str | None, reason: str
) -> None:
    beside = {"control": control, "baseline": baseline}
    given = {name: runs / run for name, run in beside.items() if run is not None}
    with pytest.raises(ConfigError, match=reason):
        audit(runs / "livr", runs / "no-data", **given)


def test_what_is_one_is_taken(runs: Path) -> None:
    for control in ("latents_only", "prompt_tuning"):
        refuse_no_control(runs / "livr", runs / control, str(runs / "sft"))
        assert doubts(runs / "livr", runs / control, str(runs / "sft")) == ()
    # A latents-only run may be audited itself; it needs no control then.
    refuse_no_control(runs / "latents_only", None, runs / "sft")


def test_other_data_or_another_model_is_doubtful(runs: Path) -> None:
    rows = make(runs / "rows", "latents_only", rows="0b", data="data/others")
    (said,) = doubts(runs / "livr", rows, None)
    assert "was trained on other data (data/others, the audited run on data/parts)" in said
    changed = make(runs / "changed", "latents_only", rows="0b")
    assert "(data/parts that has changed since" in doubts(runs / "livr", changed, None)[0]
    moved = make(runs / "moved", "latents_only", data="elsewhere/others")
    assert doubts(runs / "livr", moved, None) == ()  # the rows are the same
    for name, data, count in (("old", "there/parts", 0), ("older", "there/others", 1)):
        older = make(runs / name, "latents_only", rows=None, data=data)
        assert len(doubts(runs / "livr", older, None)) == count
    model = make(runs / "model", "sft", model="owner/name")
    assert "trained on another model (owner/name" in doubts(runs / "livr", None, model)[0]
    assert "is no run of livr train" in doubts(runs / "livr", None, "mini")[0]


def test_doubts_are_kept_and_shown(tmp_path: Path) -> None:
    doubtful = replace(AUDIT, doubts=["--control x was trained on other data."])
    write(doubtful, tmp_path)
    assert read(tmp_path) == doubtful
    assert "--control x was trained on other data." in (tmp_path / "audit.html").read_text()
    assert "doubts" not in AUDIT.summary()


def test_an_audit_says_what_is_doubtful(checkpoints, tmp_path: Path) -> None:
    base = checkpoints("qwen3_vl")
    run = make(tmp_path / "run", "latents_only", model=str(base))
    model = livr.load(base, num_latents=2)
    save_adapter(model, run / "adapter")
    data = tiny.dataset(tmp_path / "data")
    found = audit(run, data, baseline=base, tests=["collapse"])
    assert list(found.doubts) == [
        f"--baseline {base} is no run of livr train, so it learnt nothing here."
    ]
    with pytest.raises(ModelError, match=r"--baseline .* has latents; give an sft run"):
        audit(run, data, baseline=model, tests=["collapse"])
