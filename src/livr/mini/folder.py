"""The embedded model's tokenizer, and its checkpoint as an ordinary transformers folder."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from livr.mini.assets import load_assets
from livr.mini.curriculum import draft
from livr.mini.phases import Phase
from livr.mini.pixels import MAX_PIXELS, MIN_PIXELS
from livr.mini.shape import IMAGE_MEAN, IMAGE_STD, MiniShape
from livr.mini.tokenizer import train_tokenizer
from livr.mini.worlds import WORLDS

VOCABULARY = 1200
PROCESSORS = {"qwen3_vl": "Qwen3VLProcessor", "qwen2_vl": "Qwen2VLProcessor"}
_TEXT_SAMPLES = 600


def learn_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """The tokenizer, learnt from the curriculum's own questions and answers."""
    assets = load_assets(("train",))
    everything = Phase(steps=1, worlds=dict.fromkeys(WORLDS, 1.0))
    texts: list[str] = []
    for i in range(_TEXT_SAMPLES):
        rng = random.Random(f"text/{seed}/{i}")
        _, asks = draft(rng, assets, 1 + i % 3, everything)
        texts += [text for ask in asks for text in (ask.question, ask.answer)]
    return train_tokenizer(texts, VOCABULARY)


def kept_tokenizer(folder: Path, seed: int, earlier: str | None) -> PreTrainedTokenizerFast:
    """The tokenizer of a run: learnt once, then read, so that resuming cannot change it.

    Args:
        folder: Where the run keeps it.
        seed: Of the text it is learnt from.
        earlier: A checkpoint whose tokenizer is taken instead.
    """
    if earlier is not None:
        folder = Path(earlier)
    elif not (folder / "tokenizer.json").is_file():
        learn_tokenizer(seed).save_pretrained(folder)
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer


def save_checkpoint(
    model: Any, tokenizer: PreTrainedTokenizerFast, numbers: MiniShape, folder: Path
) -> None:
    """Write a checkpoint folder as any Qwen-VL has it, all of it or nothing."""
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": PROCESSORS[model.config.model_type],
        "patch_size": numbers.patch,
        "temporal_patch_size": 2,
        "merge_size": numbers.merge,
        "size": {"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS},
        "image_mean": list(IMAGE_MEAN),
        "image_std": list(IMAGE_STD),
        "do_convert_rgb": True,
    }
    text = json.dumps(processor, indent=2) + "\n"
    (partial / "preprocessor_config.json").write_text(text, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
