"""BLINK: fourteen perception tasks, multiple choice, from the official parquet files.

Layout as published: `<Subset>/val-00000-of-00001.parquet` with the columns idx, question,
sub_task, image_1 to image_4 (bytes; null where a question has fewer), choices, answer "(A)",
prompt, explanation. The answers of its test split are not public, so `val` is what papers report.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from livr.data.example import LETTERS, Example
from livr.data.pictures import PLACE, PictureError, open_picture
from livr.data.sources.folder import SourceInfo
from livr.data.sources.parquet import open_parquet, read_batches, to_rows
from livr.errors import DataError, Problem

INFO = SourceInfo(
    name="BLINK",
    url="https://huggingface.co/datasets/BLINK-Benchmark/BLINK",
    licence="Apache-2.0",
    layout=("<Subset>/val-00000-of-00001.parquet",),
)
SUBSETS = (
    "Art_Style",
    "Counting",
    "Forensic_Detection",
    "Functional_Correspondence",
    "IQ_Test",
    "Jigsaw",
    "Multi-view_Reasoning",
    "Object_Localization",
    "Relative_Depth",
    "Relative_Reflectance",
    "Semantic_Correspondence",
    "Spatial_Relation",
    "Visual_Correspondence",
    "Visual_Similarity",
)
SUBSET_OF_TASK = {
    "art_style": "Art_Style",
    "functional_correspondence": "Functional_Correspondence",
    "jigsaw": "Jigsaw",
    "localization": "Object_Localization",
    "relative_reflectance": "Relative_Reflectance",
    "semantic_correspondence": "Semantic_Correspondence",
    "visual_correspondence": "Visual_Correspondence",
    "visual_similarity": "Visual_Similarity",
}
IMAGES = tuple(f"image_{number}" for number in range(1, 5))
COLUMNS = ("idx", "question", "sub_task", "choices", "answer", "prompt")
HEADER = "Select from the following"


def load_blink(folder: str | Path, subset: str | None = None) -> list[Example]:
    """Reads the validation rows of one subset, or of all subsets in the folder.

    Args:
        folder: The BLINK folder, or the folder of one subset.
        subset: Name of a subset; None reads all that are there.

    Raises:
        DataError: Nothing was found, or rows are malformed (all of them are named).
    """
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    files = _files(Path(folder), subset)
    examples = [example for path in files for example in _read_file(path, problems, seen)]
    if problems:
        raise DataError(f"{folder} has {len(problems)} problem(s):", problems)
    return examples


def _files(folder: Path, subset: str | None) -> list[Path]:
    if subset is not None and subset not in SUBSETS:
        raise DataError(f"BLINK has no subset {subset!r}; it has {', '.join(SUBSETS)}")
    pattern = "val*.parquet"
    own = sorted(folder.glob(pattern)) if subset in (None, folder.name) else []
    found = own or sorted(folder.glob(f"{subset or '*'}/{pattern}"))
    if not found:
        there = sorted(p.name for p in folder.iterdir())[:12] if folder.is_dir() else ["no folder"]
        raise DataError(
            f"{folder} holds no {subset or 'BLINK subset'}\n  expected: {INFO.layout[0]}\n"
            f"  found:    {', '.join(there)}\n  get it:   {INFO.url}\n  licence:  {INFO.licence}"
        )
    return found


def _read_file(path: Path, problems: list[Problem], seen: dict[str, str]) -> Iterator[Example]:
    """Yields the rows that are right; `seen` has the ids met so far, and where."""
    file = open_parquet(path, (*COLUMNS, IMAGES[0]), INFO)
    there = set(file.schema_arrow.names)
    columns = [name for name in (*COLUMNS, *IMAGES) if name in there]
    name, number = f"{path.parent.name}/{path.name}", 0
    for batch in read_batches(file, path, columns, size=32):
        for row in to_rows(batch, path):
            number += 1
            place = f"{name}:{number}"
            try:
                example = _example(row, place)
                if (first := seen.setdefault(example.id, place)) != place:
                    raise ValueError(f"the idx {example.id!r} was already used in {first}")
                yield example
            except (KeyError, TypeError, ValueError) as error:
                problems.append(Problem(name, number, str(error)))


def _example(row: dict[str, Any], place: str) -> Example:
    empty = [key for key in ("idx", "sub_task", "choices") if row[key] in (None, "", [])]
    question = question_text(row)
    if not question:
        empty.append("question")
    if empty:
        raise ValueError(f"{' and '.join(empty)} must not be empty; copy the file again")
    texts = row["choices"]
    if not isinstance(texts, list) or any(text in (None, "") for text in texts):
        raise ValueError(f"choices must be a list of texts, found {texts!r}")
    answer = str(row["answer"]).strip().strip("()")
    choices = tuple(str(text) for text in texts)
    if answer not in LETTERS[: len(choices)] or len(answer) != 1:
        raise ValueError(f"the answer {row['answer']!r} is not one of {len(choices)} choices")
    images = tuple(_opened(row[name], place, name) for name in IMAGES if row.get(name))
    if not images:
        raise ValueError("the row has no image")
    return Example(
        id=str(row["idx"]),
        task=str(row["sub_task"]),
        images=images,
        question=question,
        choices=choices,
        answer=answer,
    )


def _opened(value: Any, place: str, column: str) -> Image.Image:
    data = value.get("bytes") if isinstance(value, dict) else None
    if not data:
        raise ValueError(f"{column} holds no bytes of an image")
    try:
        image = open_picture(io.BytesIO(data))
    except PictureError as error:
        raise ValueError(f"an image in the row {error}") from error
    image.info[PLACE] = f"{place}, {column}"  # its pixels are decoded later
    return image


def question_text(row: dict[str, Any]) -> str:
    """Returns the prompt of a row without its list of choices: what stands before the header."""
    prompt = str(row["prompt"] or row["question"] or "")
    return prompt.partition(HEADER)[0].strip()


def prompt_template(folder: str | Path, task: str) -> str:
    """Returns BLINK's wording of a task's question as a template of `livr.data.prompts`.

    Where the question differs from row to row (the name of an object, an action), the differing
    words become the field `{label}` or `{action}`.

    Raises:
        DataError: BLINK has no such task, or the wording has more than one varying part.
    """
    if task not in SUBSET_OF_TASK:
        raise DataError(f"BLINK has no wording for {task}; it has {', '.join(SUBSET_OF_TASK)}")
    examples = load_blink(folder, SUBSET_OF_TASK[task])
    texts = sorted({example.question for example in examples})
    if len(texts) == 1:
        return texts[0].replace("{", "{{").replace("}", "}}")
    start = _common_start(texts)
    start = start[: start.rfind(" ") + 1]
    end = _common_start([text[len(start) :][::-1] for text in texts])[::-1]
    end = end[end.find(" ") :] if " " in end else end[-1:] if end[-1:] in ".?" else ""
    field = {"localization": "label", "functional_correspondence": "action"}.get(task)
    if field is None or not start:
        raise DataError(f"the {SUBSET_OF_TASK[task]} prompts of {folder} do not share one wording")
    return f"{start}{{{field}}}{end}"


def _common_start(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((index for index, (a, b) in pairs if a != b), len(first))]
