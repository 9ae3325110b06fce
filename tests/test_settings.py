"""Settings as objects: what a message about them says, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.analysis.ablate.grid import Grid
from livr.config import TrainConfig, build, dump, load_recipe
from livr.errors import ConfigError
from livr.recipes import find_shipped

LIVR = find_shipped(Path("livr"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("epochs=4", "4 is no list; write [4], or [4, ...] for several. Passes over the data per"),
        ("optim.stages=2", "[2, ...] for several. Factors on `lr`, one per stage"),
    ],
)
def test_a_value_that_should_be_a_list_is_told_how_many_it_takes(wrong: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(LIVR, [wrong])
    assert words in str(caught.value)


def test_settings_in_a_list_are_found_too() -> None:
    values = {"tasks": ["counting"], "variants": [{"method": "sft", "epochs": 4, "nonsense": 1}]}
    with pytest.raises(ConfigError) as caught:
        build(Grid, values, "grid.yaml")
    message = str(caught.value)
    assert "variants.0.epochs: 4 is no list; write [4]" in message
    assert "variants.0.nonsense: no such setting (known here: " in message


def test_names_outside_ascii_are_written_as_they_are(tmp_path: Path) -> None:
    config = TrainConfig(data=tmp_path / "Äpfel und 林檎", out=tmp_path / "x\udce4")
    dump(config, tmp_path / "config.yaml")
    assert "Äpfel und 林檎" in (tmp_path / "config.yaml").read_text(encoding="utf-8")
    assert load_recipe(tmp_path / "config.yaml") == config
