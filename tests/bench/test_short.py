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


def test_compressed_memory_follows_from_lengths(monkeypatch, capsys) -> None:
    """The reported factor is prompt length over prompt length without the image."""
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(sys, "argv", ["bench/inference.py", "--json", "--short"])
    runpy.run_path(str(BENCH / "inference.py"), run_name="__main__")
    for tokens, found in json.loads(capsys.readouterr().out)["by_tokens"].items():
        expected = found["length"] / (found["length"] - int(tokens))
        assert found["kv_ratio"] == pytest.approx(expected, rel=1e-3)
