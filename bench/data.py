"""Data: questions built, images read, features kept, and memory that does not grow with the set.

build        `livr data build` of the counting task from the embedded pictures
live         reading and processing images, the vision tower left out
cold, warm   filling the cache of image features, and using a filled one
growth       bytes of memory per example that a set of kept features adds, and per image read
"""

from __future__ import annotations

import json
import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from parts.checkpoint import bench_model, examples, parameters
from parts.timing import main, rounded, timed

from livr.backbones.feature_store import FeatureStore, encoder_name
from livr.data.build import build_task
from livr.data.store import load_split, write_dataset
from livr.model.model import Model
from livr.train.dataset import EncodedSet

TASK = "counting"


def in_child(work: Callable[[], None]) -> int:
    """Bytes by which the peak memory of a process grew while it did `work`."""
    fork = multiprocessing.get_context("fork")
    told, tell = fork.Pipe(duplex=False)

    def child() -> None:
        torch.set_num_threads(1)
        before = resident()
        work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        tell.send(max(0, peak - before))

    process = fork.Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0
    return int(told.recv())


def resident() -> int:
    """Bytes of memory in use now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def build(folder: Path, count: int) -> dict[str, Any]:
    """Questions per second, and the same seed twice."""
    sizes = {"train": count, "val": 4, "test": 4}
    seconds = timed(lambda: build_task(TASK, "pool", folder / "one", sizes))
    build_task(TASK, "pool", folder / "two", sizes)
    sums = [
        json.loads((folder / n / "manifest.json").read_text())["sha256"] for n in ("one", "two")
    ]
    assert sums[0] == sums[1], "the same seed gave other bytes"
    rows = sum(len(load_split(folder / "one", split)) for split in sizes)
    peaks = [
        in_child(lambda n=n: build_task(TASK, "pool", folder / f"grow{n}", {"train": n}))
        for n in (count, 4 * count)
    ]
    return {
        "images_per_second": rounded(rows / seconds),
        "peak_bytes": dict(zip((str(count), str(4 * count)), peaks, strict=True)),
        "growth_bytes_per_image": rounded((peaks[1] - peaks[0]) / (3 * count)),
    }


def fill(model: Model, data: Path, cache: Path, count: int | None = None) -> EncodedSet:
    """A set of the first `count` examples with features in `cache`."""
    name = encoder_name(model.hf, model.processor.image_processor)
    store = FeatureStore(cache, name, 1 << 40)
    return EncodedSet(model, load_split(data, "train")[:count], store=store)


def loading(model: Model, folder: Path, count: int, tokens: int) -> dict[str, Any]:
    """Images per second read, encoded into the cache, and taken from it."""
    data, cache = folder / "data", folder / "cache"
    write_dataset(data, {"train": examples(count, tokens)})
    rows = load_split(data, "train")
    live = timed(lambda: model.encode(rows, "keep", True))
    cold = timed(lambda: fill(model, data, cache))
    warm = timed(lambda: fill(model, data, cache))
    kept, fresh = fill(model, data, cache), EncodedSet(model, rows[:2], cache_vision=False)
    for i in range(2):
        with torch.no_grad():
            one, two = (model.answer_logits(s.batch([s[i]])) for s in (kept, fresh))
        assert torch.equal(one, two), "kept features differ from live ones"
    stored = sum(path.stat().st_size for path in cache.rglob("*.safetensors"))
    few, many = 8, 32
    peaks = {n: in_child(lambda n=n: read_only(model, rows[:1] * n)) for n in (few, many)}
    growth = (peaks[many] - peaks[few]) / (many - few)
    pixels = model.encode(rows[:1], "keep", True)[0].images["pixel_values"].nbytes
    assert growth < pixels / 2, "reading more images takes more memory"
    held = sum(row.ids_T.nbytes + row.types_T.nbytes for row, _ in kept.items or ()) / count
    return {
        "live_images_per_second": rounded(count / live),
        "cold_images_per_second": rounded(count / cold),
        "warm_images_per_second": rounded(count / warm),
        "disk_bytes_per_image": rounded(stored / count),
        "held_bytes_per_image": rounded(held),
        "reading_peak_bytes": {str(n): peak for n, peak in peaks.items()},
        "reading_growth_bytes_per_image": rounded(growth),
        "pixel_bytes_per_image": pixels,
    }


def read_only(model: Model, rows: list[Any]) -> None:
    """Read and process images one after the other, as a set without kept features does."""
    data = EncodedSet(model, rows, cache_vision=False)
    for i in range(len(data)):
        data[i]


def run(short: bool) -> dict[str, Any]:
    count, tokens = (8, 16) if short else (200, 256)
    with TemporaryDirectory() as place, bench_model(short) as model:
        folder = Path(place)
        return {
            "build": build(folder, count),
            "loading": loading(model, folder, count, tokens),
            "image_tokens": tokens,
            "examples": count,
            "parameters": parameters(model),
        }


if __name__ == "__main__":
    main("data", run)
