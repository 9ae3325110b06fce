"""Settings as objects: what a message about them says, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.analysis.ablate.grid import Grid, load_grid
from livr.config import TrainConfig, build, dump, load_recipe
from livr.errors import ConfigError
from livr.recipes import find_shipped
from livr.settings import read_yaml

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


TWICE = [
    ("optim:\n  lr: 0.1\n  # a comment\n  lr: 0.2\n", '"lr" stands twice (lines 2 and 4)'),
    ("method: livr\nseed: 1\nmethod: livr\n", '"method" stands twice (lines 1 and 3)'),
    ("epochs: [1]\noptim: {lr: 0.1, lr: 0.1}\n", '"lr" stands twice (line 2)'),
]


@pytest.mark.parametrize(("text", "said"), TWICE)
def test_a_key_that_stands_twice_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    for read in (load_recipe, load_grid):
        with pytest.raises(ConfigError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: {said}; keep one of them"


def test_a_key_that_stands_twice_in_an_override_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r'--set .*: "lr" stands twice \(line 1\)'):
        load_recipe(LIVR, ["optim={lr: 0.1, lr: 0.2}"])


def test_keys_may_stand_again_elsewhere_and_beside_what_is_merged(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        "base: &base {lr: 1, seed: 1}\n"
        "more: &more {<<: *base, lr: 2}\n"
        "last: {<<: *more, seed: 3}\n"
        "'1': a\n1: b\n"
    )
    assert read_yaml(path, "recipe") == {
        "base": {"lr": 1, "seed": 1},
        "more": {"lr": 2, "seed": 1},
        "last": {"lr": 2, "seed": 3},
        "1": "a",
        1: "b",
    }
