"""From a recipe to a finished checkpoint with its card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoTokenizer

from livr.mini import EMBEDDED, checkpoint_dir
from livr.mini.card import MiniCard, read_card
from livr.mini.lesson import measure_skills
from livr.mini.pretrain import Report, pretrain
from livr.mini.recipe import PretrainConfig


def build_mini(
    config: PretrainConfig,
    out: Path,
    *,
    on_step: Callable[[Report], None] | None = None,
    on_tower: Callable[[int, float], None] | None = None,
    workers: int = 1,
    probe_steps: int = 60,
) -> MiniCard:
    """Pre-train, then measure every skill on pictures kept out of training.

    Args:
        config: The recipe.
        out: Run folder; the checkpoint is in `checkpoint/`.
        on_step: Told about every step of the decoder.
        on_tower: Told (step, loss) about every step of the tower.
        workers: Rendering processes.
        probe_steps: Batches of held-out questions.
    """
    folder = pretrain(config, out, on_step=on_step, on_tower=on_tower, workers=workers)
    return write_card(folder, config, probe_steps)


def write_card(
    folder: Path, config: PretrainConfig, probe_steps: int = 60, name: str | None = None
) -> MiniCard:
    """Measure a checkpoint on what its recipe asks, and put the card into its folder.

    Its name is its size unless it is given one.
    """
    model = AutoModelForImageTextToText.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    card = MiniCard(
        name=name or config.size,
        parameters=sum(p.numel() for p in model.parameters()),
        recipe=config.model_dump(mode="json"),
        skills=measure_skills(
            model, tokenizer, config.size, probe_steps, worlds=config.worlds, share=config.batch
        ),
    )
    card.save(folder)
    return card


def drift(folder: Path, config: PretrainConfig) -> float | None:
    """How far a rebuilt checkpoint lies from the shipped one.

    Args:
        folder: The rebuilt checkpoint.
        config: Its recipe.

    Returns:
        Length of the difference of all weights over the length of the shipped ones; 0 if every
        bit is the same. None if no checkpoint of this recipe ships.
    """
    if config.size not in EMBEDDED:
        return None
    if PretrainConfig.model_validate(read_card(config.size).recipe) != config:
        return None
    shipped = load_file(checkpoint_dir(config.size) / "model.safetensors")
    rebuilt = load_file(folder / "model.safetensors")
    apart = sum(float((rebuilt[name] - w).double().square().sum()) for name, w in shipped.items())
    whole = sum(float(w.double().square().sum()) for w in shipped.values())
    return float((apart / whole) ** 0.5)
