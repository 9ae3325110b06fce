"""A data set folder as a task of lmms-eval, asked and scored as `livr eval` does it.

`write_task` makes a folder for lmms-eval's `--include_path`. The task in it calls the functions of
this module, so livr must be installed beside lmms-eval.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from livr.data.convert import export_parquet
from livr.data.example import Example
from livr.data.prompts import render
from livr.data.store import load_split, staged_folder
from livr.errors import DataError, ModelError
from livr.evaluate.score import judge
from livr.files import write_whole
from livr.model.encoder import ROOM, chat_content, read_image

_UTILS = '''"""Written by livr: what lmms-eval calls."""

from livr.evaluate.lmms_eval import messages, pictures, results, target, text
'''
_FUNCTIONS = {
    "doc_to_messages": "messages",
    "doc_to_visual": "pictures",
    "doc_to_text": "text",
    "doc_to_target": "target",
    "process_results": "results",
}


_NO_ANSWER = ("[LMMS_EVAL_REQUEST_FAILED", "[LMMS_EVAL_BUDGET_EXCEEDED")
"""How the text begins that lmms-eval puts in the place of an answer it did not get."""


def write_task(
    folder: str | Path, out: str | Path, split: str = "test", overwrite: bool = False
) -> str:
    """Write the task of one split to `out`: settings, functions, and the questions as parquet.

    Args:
        folder: Data set folder.
        out: The folder to write.
        split: Which part of the data.
        overwrite: Replace `out`.

    Returns:
        The task's name.

    Raises:
        DataError: The data set has problems, the split is missing, or the target is taken.
    """
    name = "livr_" + re.sub(r"\W+", "_", f"{Path(folder).resolve().name}_{split}")
    with staged_folder(Path(out), overwrite) as stage:
        counts = export_parquet(folder, stage / "data")
        if split not in counts:
            raise DataError(f"{folder} has no split {split}; it has {', '.join(counts)}")
        file = Path(out).resolve() / "data" / f"{split}.parquet"
        room = max(ROOM, *(len(example.answer) for example in load_split(Path(folder), split)))
        settings = {
            "task": name,
            "dataset_path": "parquet",
            "dataset_kwargs": {"data_files": {split: str(file)}},
            "test_split": split,
            "output_type": "generate_until",
            # As in livr eval: greedy and short. No answer has more tokens than characters.
            "generation_kwargs": {"max_new_tokens": room, "temperature": 0, "do_sample": False},
            "metric_list": [
                {"metric": "accuracy", "aggregation": "mean", "higher_is_better": True}
            ],
        }
        functions = "".join(f"{key}: !function utils.{f}\n" for key, f in _FUNCTIONS.items())
        write_whole(stage / f"{name}.yaml", yaml.safe_dump(settings, sort_keys=False) + functions)
        write_whole(stage / "utils.py", _UTILS)
    return name


def messages(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The question as a user turn, its pictures where training puts them."""
    example = as_example(row)
    images = iter(pictures(row))
    content: list[dict[str, Any]] = []
    for item in chat_content(example):
        is_image = item["type"] == "image"
        content.append({"type": "image", "url": next(images)} if is_image else dict(item))
    return [{"role": "user", "content": content}]


def pictures(row: Mapping[str, Any]) -> list[Image.Image]:
    """The pictures of a question as the model sees them: upright, transparency on white."""
    return [read_image(image, row["id"]) for image in as_example(row).images]


def text(row: Mapping[str, Any]) -> str:
    """The question with its choices, for models that take pictures and text apart."""
    return render(as_example(row))


def target(row: Mapping[str, Any]) -> str:
    """The right answer."""
    return str(row["answer"])


def results(row: Mapping[str, Any], answers: Sequence[str]) -> dict[str, float]:
    """Whether the first answer is right, read and judged as `livr eval` does.

    Raises:
        ModelError: The server gave no answer. lmms-eval would count that as a wrong one.
    """
    if answers[0].startswith(_NO_ANSWER):
        raise ModelError(
            f"question {row['id']}: no answer, so there is no score: {answers[0]}. Is the server "
            "running? Ask for less at once and wait longer: num_concurrent=1,timeout=600"
        )
    # lmms-eval leaves the pictures out here; judging needs none.
    return {"accuracy": float(judge(as_example({**row, "images": ()}), answers[0]).correct)}


def as_example(row: Mapping[str, Any]) -> Example:
    """A row of the parquet file, as `datasets` gives it."""
    given = {n: row.get(n) for n in ("id", "task", "question", "choices", "answer", "board")}
    return Example(**given, images=tuple(map(_opened, row["images"])))


def _opened(image: Any) -> Image.Image:
    if isinstance(image, Mapping):
        return Image.open(io.BytesIO(image["bytes"]))
    found: Image.Image = image
    return found
