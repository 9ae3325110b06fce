"""`livr explain`: where the latents look and where their states lie, as PNG files and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from livr.analysis import embedding_map, overlays
from livr.analysis.attention_maps import Look, enrichment, look
from livr.analysis.audit.run import draw_questions, open_model, source_name
from livr.analysis.inside.questions import Questions
from livr.analysis.regions import (
    MARKED_TASKS,
    Mask,
    Regions,
    counted_objects,
    drawn_marks,
    read_regions,
)
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import ModelError
from livr.evaluate.stats import bootstrap
from livr.evaluate.target import refuse_folder
from livr.files import write_json
from livr.model.encoder import read_image
from livr.model.model import Model
from livr.train.progress import Listener, Meter

RULES = ("ordinary", "bottleneck")
SHOWN, CLOSE_UP = 6, 2
"""Questions in the summary picture; of these, how many also latent by latent."""
OBJECTS = 48
"""Composed pictures for enrichment on counted objects."""


@dataclass(frozen=True)
class Explanation:
    """What `explain` wrote.

    Attributes:
        out: The folder.
        pictures: Names of the PNG files in it.
        numbers: Contents of `explain.json`.
    """

    out: Path
    pictures: tuple[str, ...]
    numbers: dict[str, Any]


def explain(
    model: Model | str | PathLike[str],
    data: str | PathLike[str],
    split: str = "test",
    *,
    out: str | PathLike[str],
    limit: int = 120,
    batch_size: int = 16,
    seed: int = 0,
    trust_remote_code: bool = False,
    on_progress: Listener | None = None,
) -> Explanation:
    """Draw attention overlays and the embedding map.

    Args:
        model: A model with latents: a run, or a loaded model.
        data: Data set folder; `regions.jsonl` in it may name regions of interest.
        split: `train`, `val` or `test`.
        out: Folder for the PNG files and `explain.json`.
        limit: Most questions, drawn at random; 0: all.
        batch_size: Questions per forward pass.
        seed: Seed of every draw.
        trust_remote_code: Run the code that the checkpoint brings.
        on_progress: Told how far the work is.

    Raises:
        ModelError: The model has no latents, or cannot be loaded.
        DataError: The questions or regions cannot be read.
        ConfigError: `limit` is negative, or `out` cannot be written.
    """
    folder = Path(out)
    refuse_folder(folder)
    meter = Meter(8, on_progress)
    examples = draw_questions(load_split(Path(data), split), limit, seed, f"{data}, split {split}")
    asked = open_model(model, trust_remote_code)
    if not asked.num_latents:
        raise ModelError(f"{source_name(model)} has no latents, so there is nothing to explain")
    meter.advance(0, "reading images")
    questions = Questions(asked, examples, batch_size)
    meter.advance(1, "attention")
    looks = {mask: look(questions, mask) for mask in RULES}
    meter.advance(2, "regions")
    found: dict[str, Any] = {
        "model": source_name(model),
        "data": str(data),
        "split": split,
        "n": len(examples),
        "attention": {mask: _attention_numbers(looks[mask]) for mask in RULES},
        "enrichment": _enrichments(questions, looks, Path(data), seed),
    }
    meter.advance(2, "drawing overlays")
    folder.mkdir(parents=True, exist_ok=True)
    pictures = _draw_overlays(folder, examples, looks)
    meter.advance(1, "embedding map")
    maps, found["knn_purity"] = _draw_maps(folder, questions, seed, meter)
    write_json(folder / "explain.json", found)
    return Explanation(folder, (*pictures, *maps), found)


def _draw_maps(
    folder: Path, questions: Questions, seed: int, meter: Meter
) -> tuple[list[str], dict[str, Any]]:
    """One embedding map per rule: names of the pictures, purity per rule."""
    pictures, purity = [], {}
    for mask in RULES:
        cloud = embedding_map.gather(questions, mask, seed)
        purity[mask] = embedding_map.numbers(cloud)
        name = f"embedding-{mask}.png"
        title = f"final-layer states, {mask} rule"
        embedding_map.draw(folder / name, cloud, purity[mask], title, seed)
        pictures.append(name)
        meter.advance(1, "embedding map")
    return pictures, purity


def _attention_numbers(looks: Sequence[Look]) -> dict[str, Any]:
    """How much of the latents' attention goes to images, and how much of that to sinks."""
    on_images = [float(x.weights_KI.sum(1).mean()) for x in looks]
    on_sinks = [float(x.weights_KI[:, x.sinks_I].sum() / x.weights_KI.sum()) for x in looks]
    layers = np.mean([x.layers_LI.sum(1).numpy() for x in looks], axis=0)
    return {
        "mass_on_images": float(np.mean(on_images)),
        "mass_on_images_per_layer": [float(v) for v in layers],
        "share_on_sinks": float(np.mean(on_sinks)),
        "sinks_per_question": float(np.mean([int(x.sinks_I.sum()) for x in looks])),
    }


def _enrichments(
    questions: Questions, looks: dict[str, list[Look]], data: Path, seed: int
) -> dict[str, Any]:
    """Enrichment wherever regions are known; see `regions`."""
    examples = questions.examples
    pictures = {e.id: [read_image(image, e.id) for image in e.images] for e in examples}
    sizes = {name: [im.size for im in images] for name, images in pictures.items()}
    sources: dict[str, Regions] = {"named": read_regions(data, sizes)}
    sources["marks"] = {
        e.id: [drawn_marks(im) for im in pictures[e.id]] for e in examples if e.task in MARKED_TASKS
    }
    found: dict[str, Any] = {}
    for name, regions in sources.items():
        if regions:
            found[name] = {
                mask: _enrichment(examples, looks[mask], regions, seed) for mask in RULES
            }
    if any(e.task == "counting" for e in examples):
        composed, regions = counted_objects(OBJECTS, seed)
        about = questions.with_examples(composed)
        found["counted_objects"] = {
            mask: _enrichment(composed, look(about, mask), regions, seed) for mask in RULES
        }
    return found


def _enrichment(
    examples: Sequence[Example], looks: Sequence[Look], regions: Regions, seed: int
) -> dict[str, Any] | None:
    """Mean over questions with bootstrap interval, sinks in and out."""
    result: dict[str, Any] = {}
    for name, sinks in (("raw", True), ("without_sinks", False)):
        values = [
            value
            for example, x in zip(examples, looks, strict=True)
            if example.id in regions
            and (value := _enriched(x, regions[example.id], sinks)) is not None
        ]
        if not values:
            return None
        drawn = np.array(values)
        interval = bootstrap(lambda i, v=drawn: float(v[i].mean()), len(values), seed=seed)  # type: ignore[misc]
        result["n"] = len(values)
        result[name] = {"mean": float(drawn.mean()), "ci95": [interval.low, interval.high]}
    return result


def in_turn(tasks: Sequence[str], most: int) -> list[int]:
    """Places of the first questions of every task, task by task in turn.

    >>> in_turn(["jigsaw", "jigsaw", "jigsaw", "counting"], 3)
    [0, 3, 1]
    """
    seen: Counter[str] = Counter()
    rounds = []
    for i, task in enumerate(tasks):
        rounds.append((seen[task], i))
        seen[task] += 1
    return [i for _, i in sorted(rounds)[:most]]


def _enriched(seen: Look, masks: Sequence[Mask | None], sinks: bool) -> float | None:
    return enrichment(seen.maps(sinks=sinks), masks, seen.margins)


def _without(seen: Look) -> str:
    count = int(seen.sinks_I.sum())
    return f"{count} sink{'s' if count > 1 else ''} removed" if count else "no sinks"


def _draw_overlays(
    folder: Path, examples: Sequence[Example], looks: dict[str, list[Look]]
) -> list[str]:
    chosen = in_turn([example.task for example in examples], SHOWN)
    shown = [examples[i] for i in chosen]
    looks = {mask: [seen[i] for i in chosen] for mask, seen in looks.items()}
    columns = [
        (f"{mask}, {'raw' if sinks else 'sinks removed'}", looks[mask], sinks)
        for mask in RULES
        for sinks in (True, False)
    ]
    names = ["attention.png"]
    overlays.summary(folder / names[0], shown, columns)
    for i, example in enumerate(shown[:CLOSE_UP]):
        for mask in RULES:
            seen = looks[mask][i]
            # Without sinks the two are the same picture.
            kinds = {"": False, "-raw": True} if bool(seen.sinks_I.any()) else {"": False}
            for suffix, sinks in kinds.items():
                name = f"latents-{i + 1}-{mask}{suffix}.png"
                title = f"{mask} rule, {'raw' if sinks else _without(seen)}"
                overlays.per_latent(folder / name, example, seen, title, sinks)
                names.append(name)
    return names
