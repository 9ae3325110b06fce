"""The audit passes for LIVR and fails for the latents-only control, on runs trained here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from markupsafe import escape
from tests import tiny
from tests.analysis.audit import colours

import livr
from livr.analysis.audit.result import Audit
from livr.config import TrainConfig
from livr.train.progress import Progress
from livr.train.run import train

TESTS = ("blindness", "accuracy", "content", "bottleneck", "transplant", "attention", "collapse")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both runs: the same data, steps and settings; only the rule of stage 1 differs."""
    root = tmp_path_factory.mktemp("colours")
    colours.dataset(root / "data")
    tiny.checkpoint("qwen3_vl", root / "model", spare=8)
    for method, epochs in (("livr", [24, 2]), ("latents_only", [26])):
        train(
            TrainConfig.model_validate(
                {
                    "method": method,
                    "epochs": epochs,
                    "model": str(root / "model"),
                    "data": root / "data",
                    "out": root / method,
                    "latents": {"num": 4},
                    "optim": {"lr": 3e-3, "batch_size": 8},
                    "lora": {"dropout": 0.0},
                    "checkpoint": "last",
                }
            )
        )
    return root


@pytest.fixture(scope="module")
def healthy(folder: Path) -> Audit:
    options = {"control": folder / "latents_only", "tests": TESTS, "out": folder / "page"}
    return livr.audit(folder / "livr", folder / "data", **options)


@pytest.fixture(scope="module")
def control(folder: Path) -> Audit:
    return livr.audit(folder / "latents_only", folder / "data", tests=TESTS)


def test_both_have_learned_the_task_and_the_instruments_work(healthy, control) -> None:
    for result in (healthy, control):
        for name in ("accuracy", "blindness", "content.sham"):
            assert result[name].verdict == "pass", result[name]
        assert result["accuracy"].value > 0.9
        assert result["content.sham"].value == 0
        assert result["blindness"].value == 0


def test_livr_carries_the_answer_in_its_latents(healthy) -> None:
    assert healthy.verdict == "pass"
    for name in ("retention", "transplant", "content.other.bottleneck"):
        assert healthy[name].verdict == "pass", healthy[name]
    assert healthy["retention"].value > 0.5


def test_the_latents_only_control_fails(control) -> None:
    assert control.verdict == "fail"
    assert control["retention"].verdict == "fail", control["retention"]
    assert control["transplant"].verdict != "pass", control["transplant"]


def test_the_files_say_what_the_result_says(healthy, folder) -> None:
    saved = json.loads((folder / "page" / "audit.json").read_text())
    assert saved == json.loads(json.dumps(healthy.summary()))
    assert [f["name"] for f in saved["findings"]] == [f.name for f in healthy.findings]
    page = (folder / "page" / "audit.html").read_text()
    for finding in healthy.findings:
        assert str(escape(finding.claim)) in page
    assert not re.search(r"""<script|<link|(?:src|href)=["'](?!data:|#)|url\(["']?http""", page)
    assert not list((folder / "page").glob("*.part"))


def test_progress_reaches_its_end_and_never_turns_back(folder) -> None:
    seen: list[Progress] = []
    options = {"tests": ("accuracy", "collapse"), "limit": 16, "on_progress": seen.append}
    livr.audit(folder / "livr", folder / "data", **options)
    done = [state.done for state in seen]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(seen[-1].total)
