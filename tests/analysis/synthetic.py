"""Run folders with invented contents, for tests of what is drawn from them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from livr.analysis.compare_outcomes import encode
from livr.data.example import Example
from livr.evaluate.score import judge, read_predictions, score, write_predictions

ACCURACY = {"zero_shot": 0.2, "sft": 0.5, "livr": 0.6}


def make_data(folder: Path, task: str, n: int = 20, pictures: list[Path] | None = None) -> Path:
    """A data set folder with a test split; counting is open-ended, the rest are pairs."""
    rng = random.Random(task)
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(n):
        names = [f"images/{i}-{j}.png" for j in range(1 if task == "counting" else 3)]
        for name in names:
            if pictures:
                image = Image.open(rng.choice(pictures)).convert("RGB")
            else:
                image = Image.new("RGB", (40, 30), tuple(rng.randrange(256) for _ in range(3)))
            image.save(folder / name)
        row = {"id": f"{task}-{i}", "task": task, "images": names}
        if task == "counting":
            row |= {"question": "How many fish <b>swim</b> here?", "choices": None}
            row["answer"] = str(2 + i % 4)
        else:
            row |= {"question": "Which image is more similar to the first?"}
            row |= {"choices": ["the second image", "the third image"], "answer": "AB"[i % 2]}
        rows.append(row)
    lines = [json.dumps(row) for row in rows]
    (folder / "test.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def make_run(folder: Path, task: str, method: str, seed: int, data: Path) -> Path:
    """A complete run folder: answers drawn at random, curves that rise and fall as they should."""
    folder.mkdir(parents=True)
    rng = random.Random(f"{task} {method} {seed}")
    lines = (data / "test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = []
    for line in lines:
        values = json.loads(line)
        example = Example(**{**values, "images": ()})
        wrong = ["9", "perhaps"] if example.choices is None else ["AB"[example.answer == "A"]]
        right = rng.random() < ACCURACY[method]
        rows.append(judge(example, example.answer if right else rng.choice(wrong)))
    write_predictions(folder / "predictions-test.jsonl", rows)
    result = score(rows)
    scores = {"task": task, "method": method, "seed": seed, "n": result.n, "data": str(data)}
    scores |= {"model": "mini", "accuracy": result.accuracy, "ci95": list(result.ci95)}
    scores |= {"unparsed": result.unparsed}
    if method != "zero_shot":
        scores["train_seconds"] = 61.4 + seed
        config = {"method": method, "seed": seed, "model": "mini", "data": str(data)}
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        make_metrics(folder / "metrics.jsonl", method, rng)
    (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    return folder


def make_metrics(path: Path, method: str, rng: random.Random) -> None:
    """Ten epochs; LIVR has four in its first stage, with epochs counted anew in each stage."""
    rows: list[dict[str, object]] = []
    stages = {"stage1": 4, "stage2": 6} if method == "livr" else {"stage1": 10}
    done = 0
    for stage, epochs in stages.items():
        for step in range(1, epochs * 5 + 1):
            loss = 2.2 * 0.97 ** (done + step) + 0.2 + rng.gauss(0, 0.05)
            row: dict[str, object] = {"stage": stage, "epoch": step / 5, "step": step}
            rows.append(row | {"loss": loss, "lr": 1e-4, "time": 0.0})
            if step % 5 == 0:
                accuracy = ACCURACY[method] * (1 - 0.8 ** ((done + step) / 5)) + rng.gauss(0, 0.02)
                rows.append(row | {"val_accuracy": accuracy})
        done += epochs * 5
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def make_runs(root: Path, tasks: tuple[str, ...], seeds: int, n: int = 20,
              pictures: list[Path] | None = None) -> list[Path]:  # fmt: skip
    """Zero-shot once, direct SFT and LIVR for every seed, on every task."""
    runs = []
    for task in tasks:
        data = make_data(root / "data" / task, task, n, pictures)
        runs.append(make_run(root / "runs" / f"{task}-zero_shot", task, "zero_shot", 42, data))
        for seed in range(42, 42 + seeds):
            for method in ("sft", "livr"):
                folder = root / "runs" / f"{task}-{method}-{seed}"
                runs.append(make_run(folder, task, method, seed, data))
    return runs


def cell_entry(name: str, hash: str = "0" * 64) -> dict[str, Any]:
    """A cell among those of a results file."""
    about = {"seconds": 3.0, "train_seconds": 2.0, "device": "CPU", "threads": 1, "versions": {}}
    return {"cell": name, "hash": hash} | about


def make_grid(root: Path, task: str, seeds: int) -> Path:
    """The folder of a grid whose cells are such runs, asked blindfolded too; one has failed."""
    rows, cells = [], []
    for i, run in enumerate(make_runs(root / "made", (task,), seeds)):
        scores = json.loads((run / "scores.json").read_text("utf-8"))
        cell = cell_entry(f"{task} {scores['method']} {scores['seed']}", f"{i:02}" * 32)
        folder = root / "grid" / "cells" / f"{run.name}-{cell['hash'][:8]}" / "run"
        run.rename(root / "moved")
        folder.parent.mkdir(parents=True)
        (root / "moved").rename(folder)
        row = {key: scores.get(key) for key in ("task", "method", "seed", "model", "train_seconds")}
        row |= encode(list(read_predictions(folder / "predictions-test.jsonl")))
        row |= {"n": len(row["answers"]), "correct": row["answers"].count("1")}
        if scores["method"] == "livr":
            row["blindfolded"] = {"accuracy": 0.35}
        rows.append(row | {"cell": cell["cell"]})
        cells.append(cell)
    failed = [{"task": task, "method": "livr", "seed": 99, "reason": "the <disk> is full"}]
    value = {"rows": rows, "failed": failed, "cells": cells}
    (root / "grid" / "results.json").write_text(json.dumps(value), encoding="utf-8")
    return root / "grid"
