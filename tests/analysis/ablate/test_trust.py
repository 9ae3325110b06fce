"""A grid cannot decide to run foreign code; the user can."""

from __future__ import annotations

import pytest

from livr.analysis.ablate.grid import load_grid
from livr.errors import ConfigError

GRID = "model: mini\ntasks: [counting]\nvariants: [sft]\nseeds: [1]\n"


def test_only_the_flag_trusts(tmp_path) -> None:
    plain, eager = tmp_path / "plain.yaml", tmp_path / "eager.yaml"
    plain.write_text(GRID)
    eager.write_text(GRID + "settings: {trust_remote_code: true}\n")
    assert load_grid(plain, True).settings == {"trust_remote_code": True}
    assert load_grid(plain).settings == {}
    wary = tmp_path / "wary.yaml"
    wary.write_text(GRID + "settings: {trust_remote_code: false}\n")
    assert load_grid(wary).settings == {"trust_remote_code": False}
    assert load_grid(wary, True).settings == {"trust_remote_code": True}
    with pytest.raises(ConfigError, match="--trust-remote-code"):
        load_grid(eager)
