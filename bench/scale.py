"""How the cost of training grows with image tokens, latents, batch and examples: slopes.

Each entry has the measured points and a fit: `per_unit` is the slope of a straight line, `exponent`
that of a power law (0 no growth, 1 proportional, 2 quadratic). `processes` has whole runs of
`livr train` by one and by two processes of one thread each: seconds in the stages, and the first
over the second (2 would be perfect).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from parts.checkpoint import BENCH, SHORT, bench_model, examples, parameters, write_checkpoint
from parts.timing import interleaved, main, median, ratio, slope, timed, turns

from livr.config import TrainConfig
from livr.data.store import write_dataset
from livr.method.bottleneck import BOTTLENECK
from livr.method.stages import Stage
from livr.model.adapter import add_lora
from livr.model.batch import Batch
from livr.model.model import Model
from livr.train.dataset import EncodedSet
from livr.train.stage import Learner, mean_over_answers

TOKENS, BATCH = 256, 2


def learner(model: Model) -> Learner:
    config = TrainConfig()
    if not getattr(model.hf, "_hf_peft_config_loaded", False):
        add_lora(model, config.lora)
    return Learner(model, Stage("stage1", BOTTLENECK), config)


def batch_of(model: Model, count: int, tokens: int) -> Batch:
    data = EncodedSet(model, examples(count, tokens))
    return data.batch([data[i] for i in range(count)])


def step(trained: Learner, batch: Batch) -> None:
    """Forward and backward in stage 1."""
    trained.zero_grad()
    loss = mean_over_answers(trained(batch), batch.labels_BT)
    loss.backward()
    assert bool(torch.isfinite(loss))


def fitted(points: dict[int, list[float]]) -> dict[str, Any]:
    """Medians and their slopes."""
    medians = {str(x): median(values) for x, values in points.items()}
    return {"seconds": medians, **slope(list(points), list(medians.values()))}


def over(batches: dict[int, tuple[Learner, Batch]], rounds: int) -> dict[str, Any]:
    """Time a step on each batch, all of them in every round."""
    works = {str(x): (lambda pair=pair: step(*pair)) for x, pair in batches.items()}
    seconds = interleaved(works, rounds)
    return fitted({int(x): values for x, values in seconds.items()})


def over_examples(model: Model, counts: Sequence[int], tokens: int) -> dict[str, Any]:
    """An epoch as it is run: reading, the tower once, and a step per batch. No warm-up."""
    trained = learner(model)

    def epoch(count: int) -> None:
        data = EncodedSet(model, examples(count, tokens))
        for start in range(0, count, BATCH):
            step(trained, data.batch([data[i] for i in range(start, start + BATCH)]))

    epoch(BATCH)
    return fitted({n: [timed(lambda n=n: epoch(n)) for _ in range(3)] for n in counts})


def launched(folder: Path, processes: int) -> float:
    """Seconds that `processes` processes of `livr train` spend in the stages."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "-m", "livr", "train", str(folder / "run.yaml")]
    with TemporaryDirectory() as out:
        run = Path(out) / "run"
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run([*command, "--out", run], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return float(json.loads((run / "train.json").read_text(encoding="utf-8"))["train_seconds"])


def over_processes(short: bool, rounds: int) -> dict[str, Any]:
    """The same run, image features kept, by one process and by two."""
    count, tokens, batch = (8, 16, 4) if short else (32, TOKENS, 8)
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_checkpoint(SHORT if short else BENCH, folder / "checkpoint")
        write_dataset(folder / "data", {"train": examples(count, tokens)})
        settings = {
            "model": str(folder / "checkpoint"),
            "data": str(folder / "data"),
            "vision_cache": str(folder / "cache"),
            "epochs": [1, 1],
            "optim": {"batch_size": batch},
        }
        (folder / "run.yaml").write_text(json.dumps(settings), encoding="utf-8")
        seconds: dict[str, list[float]] = {"1": [], "2": []}
        for i in range(rounds):
            for name in turns(list(seconds), i):
                seconds[name].append(launched(folder, int(name)))
    return {
        "seconds": {name: median(values) for name, values in seconds.items()},
        "speedup": ratio(seconds, "1", "2"),
        "examples": count,
        "epochs": 2,
        "batch": batch,
        "rounds": rounds,
    }


def run(short: bool) -> dict[str, Any]:
    rounds = 1 if short else 7
    tokens = 16 if short else TOKENS
    token_counts = (16, 36, 64) if short else (64, 256, 576, 1024)
    latent_counts = (4, 16) if short else (4, 16, 64, 128)
    batch_sizes = (1, 2) if short else (1, 2, 4, 8)
    counts = (2, 4) if short else (8, 16, 32)
    with bench_model(short) as model:
        size, trained = parameters(model), learner(model)
        by_tokens = over({t: (trained, batch_of(model, BATCH, t)) for t in token_counts}, rounds)
        by_batch = over({b: (trained, batch_of(model, b, tokens)) for b in batch_sizes}, rounds)
        by_examples = over_examples(model, counts, tokens)
    pairs = {}
    for number in latent_counts:
        with bench_model(short, number) as model:
            batch = batch_of(model, BATCH, tokens)
            found = int((batch.roles_BT == 3).sum())
            assert found == BATCH * number, (found, number)
            pairs[number] = (learner(model), batch)
    return {
        "image_tokens": by_tokens,
        "latents": over(pairs, rounds),
        "batch": by_batch,
        "examples": by_examples,
        "processes": over_processes(short, 1 if short else 3),
        "fixed": {"image_tokens": tokens, "latents": 16, "batch": BATCH},
        "rounds": rounds,
        "parameters": size,
    }


if __name__ == "__main__":
    main("scale", run)
