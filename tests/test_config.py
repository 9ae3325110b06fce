"""Settings: their bounds, and whom a message blames."""

from __future__ import annotations

from pathlib import Path

import pytest

from livr.config import TrainConfig, load_recipe
from livr.errors import ConfigError
from livr.recipes import find_shipped

SFT = find_shipped(Path("sft"))


@pytest.mark.parametrize(
    "wrong",
    [
        *("optim.beta1=5", "optim.beta2=1", "optim.beta1=-0.1", "optim.eps=-1", "optim.eps=0"),
        *("optim.lr=inf", "optim.weight_decay=nan", "optim.stages=[nan]", "optim.warmup=nan"),
        *("seed=-1", "seed=4294967296", "latents.init_seed=-1"),
        *("epochs=[nan]", "epochs=[inf]", "latents.noise=nan", "share=nan"),
    ],
)
def test_settings_have_bounds(wrong: str) -> None:
    # In brackets YAML 1.1 reads nan as a word, and the words as numbers otherwise.
    name = wrong.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"--set '.*{name}.*': wrong settings\n  {name}"):
        load_recipe(SFT, [wrong])


@pytest.mark.parametrize("fine", ["optim.beta1=0", "seed=4294967295", "latents.init_seed=0"])
def test_bounds_are_no_closer_than_needed(fine: str) -> None:
    assert load_recipe(SFT, [fine])


def test_a_message_blames_what_is_wrong(tmp_path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("method: sft\nepochs: [1]\nlora: {r: 0}\n")
    fine, wrong = "optim.lr=1e-3", "seed=-1"

    def message(path: Path, *overrides: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_recipe(path, overrides)
        return str(caught.value).splitlines()

    assert message(recipe, fine)[0] == f"{recipe}: wrong settings"
    assert message(recipe, fine, wrong)[0] == f"{recipe} with --set 'seed=-1': wrong settings"
    assert message(SFT, fine, wrong)[0] == "--set 'seed=-1': wrong settings"
    assert message(SFT, "optim={lr: 0}")[0] == "--set 'optim={lr: 0}': wrong settings"
    assert message(SFT, "epochs=1") == [
        "--set 'epochs=1': wrong settings",
        "  epochs: 1 is no list; write [1], or [1, ...] for several. Passes over the data per "
        "stage (appendix B: 4 + 6 for LIVR, 10 for direct SFT).",
    ]
    together = message(SFT, fine, "optim.per_device=3")
    assert "--set 'optim.per_device=3'" in together[0]


def test_defaults_are_within_their_bounds() -> None:
    values = TrainConfig().model_dump()
    assert TrainConfig.model_validate(values) == TrainConfig()
