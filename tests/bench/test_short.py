"""Every benchmark runs in its short form; what it computes is asserted inside, times are not."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
FIGURES = {
    "stage1": {"ratio", "ratio_masked"},
    "inference": {"overhead", "kv_ratio", "decode_ratio", "second_turn_ratio"},
    "scale": {"image_tokens", "latents", "batch", "examples"},
    "data": {"build", "loading"},
    "compile": {"stage1", "stage2"},
    "model": {"by_tokens", "predicted", "gflops_of_a_product"},
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_short_form_prints_one_json_line(name, monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(sys, "argv", [f"bench/{name}.py", "--json", "--short"])
    runpy.run_path(str(BENCH / f"{name}.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    result = json.loads(lines[0])
    assert result["bench"] == name and result["short"] is True
    assert FIGURES[name] <= result.keys()


def test_training_beside_trl(monkeypatch, capsys) -> None:
    """Same losses as TRL, and with each optimisation off; asserted inside."""
    pytest.importorskip("trl", reason="TRL is not installed: pip install -e '.[bench]'")
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(sys, "argv", ["bench/train_vs_trl.py", "--json", "--short"])
    runpy.run_path(str(BENCH / "train_vs_trl.py"), run_name="__main__")
    result = json.loads(capsys.readouterr().out)
    assert result["speedup"] == result["livr"]["speedup"] > 0
    assert result["memory_ratio"] > 0
    assert len(result["factors"]) == 6
    assert len(result["loss_differences"]) == 10
    for name in ("sft", "livr", "latents"):
        assert len(result[name]["losses"]["ours"]) == len(result[name]["losses"]["trl"]) > 2
        assert min(result[name]["bytes"].values()) > 0


def test_without_trl_it_says_what_to_install(monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(BENCH / "train_vs_trl.py"), run_name="__main__")
    assert stop.value.code == 77
    assert ".[bench]" in capsys.readouterr().err


def test_compressed_memory_follows_from_lengths(monkeypatch, capsys) -> None:
    """The reported factor is prompt length over prompt length without the image."""
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(sys, "argv", ["bench/inference.py", "--json", "--short"])
    runpy.run_path(str(BENCH / "inference.py"), run_name="__main__")
    for tokens, found in json.loads(capsys.readouterr().out)["by_tokens"].items():
        expected = found["length"] / (found["length"] - int(tokens))
        assert found["kv_ratio"] == pytest.approx(expected, rel=1e-3)
