"""`livr data build`: from a source folder (or the embedded images) to a data set folder."""

from __future__ import annotations

import platform
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from livr.data.example import Example
from livr.data.pool import load_pool
from livr.data.pool.writers import WRITERS
from livr.data.shortcuts import Clue, measure
from livr.data.sources.blink import prompt_template
from livr.data.sources.folder import SplitsFile, read_splits_file
from livr.data.store import finish_manifest, staged_folder, write_split
from livr.data.tasks import TASKS, get_task
from livr.data.tasks.base import Built, Request, Task
from livr.errors import DataError

POOL = "pool"
ORDER = ("test", "val", "train")  # a picture in two official splits is dropped from the later one
SIZES = {"train": 1000, "val": 250, "test": 250}
Progress = Callable[[str, str, int, int], None]
_LIBRARIES = ("pillow", "numpy", "pyarrow")


@dataclass
class _Ledger:
    """What is recorded while a data set is written."""

    counts: dict[str, int] = field(default_factory=dict)
    drops: dict[str, dict[str, int]] = field(default_factory=dict)
    clues: dict[str, list[Clue]] = field(default_factory=dict)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)


def buildable() -> list[str]:
    """Names of the tasks that need no source: of the embedded pictures, or made by program."""
    return [name for name, task in TASKS.items() if name in WRITERS or task.generated]


def build_task(
    name: str,
    source: str | Path,
    out: str | Path,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress | None = None,
    prompts: str | Path | None = None,
) -> dict[str, Any]:
    """Builds one task's data set and returns its manifest.

    No source picture comes into two splits: test is built first, then val, then train, and a
    question that shows a picture used before is dropped.

    Args:
        name: Name of the task.
        source: "pool" for the embedded images, otherwise the folder of the public data set. A
            generated task needs neither: leave it at "pool".
        out: Folder to write.
        sizes: Split -> number of questions; splits of size 0 are left out.
        seed: The same seed gives the same bytes.
        overwrite: Replace an existing data set.
        progress: Called with task, split, questions so far, questions wanted.
        prompts: A BLINK folder whose wording is used instead of ours.

    Raises:
        ConfigError: There is no such task.
        DataError: The source folder is missing or wrong, the target is taken, or a split came
            out empty.
    """
    task = get_task(name)
    wanted = {split: n for split, n in (sizes or SIZES).items() if n > 0}
    if not wanted:
        raise DataError("nothing to build: every split has size 0; set --train, --val or --test")
    if missing := [split for split in wanted if split not in task.splits]:
        zero = " ".join(f"--{split} 0" for split in missing)
        raise DataError(f"{name} has no {' and no '.join(missing)} split; give {zero}")
    template = None if prompts is None else prompt_template(prompts, name)
    with staged_folder(Path(out), overwrite) as stage, tempfile.TemporaryDirectory() as temporary:
        folder = Path(source)
        if source == POOL:
            if name not in buildable():
                raise DataError(f"{name} has no embedded pictures; give --source FOLDER")
            folder = Path(temporary) / POOL
            folder.mkdir()
            if not task.generated:
                WRITERS[name](folder, wanted, seed)
        elif task.generated:
            raise DataError(f"{name} is made by program; leave --source out")
        ledger = _Ledger()
        for split in sorted(wanted, key=ORDER.index):
            count = wanted[split]
            rng = random.Random(f"{seed} {name} {split}")
            request = Request(folder, split, count, seed, name, rng, template=template)
            examples = _examples(task, request, source == POOL, ledger, progress)
            ledger.counts[split] = write_split(stage, split, examples)
        ledger.counts = {split: ledger.counts[split] for split in wanted}
        _check_counts(ledger, folder)
        return finish_manifest(stage, ledger.counts, _describe(task, source, seed, wanted, ledger))


def _examples(
    task: Task[Any],
    request: Request,
    pool: bool,
    ledger: _Ledger,
    progress: Progress | None,
) -> Iterator[Example]:
    """Yields the examples of one split and notes in the ledger what they show."""
    origin = read_splits_file(request.folder)
    split = request.split
    clues = ledger.clues.setdefault(split, [])
    answers: Counter[str] = Counter()
    groups: set[str] = set()
    elsewhere = {group for names in ledger.groups.values() for group in names}
    index = -1
    for built in task.build(request, task.pool if pool else task.paper):
        own = _origins(built, origin)
        if not elsewhere.isdisjoint(own):
            request.drops["shows a picture of another split"] += 1
            continue
        index += 1
        clues.append(Clue(built.answer, built.features, built.board))
        answers[built.answer] += 1
        groups.update(own)
        if progress:
            progress(task.name, split, index + 1, request.count)
        yield Example(
            id=f"{task.name}-{split}-{index:05d}",
            task=task.name,
            images=built.images,
            question=built.question,
            choices=built.choices,
            answer=built.answer,
            helper_images=built.helper_images,
            board=built.board,
            score_group=built.score_group,
            sources=tuple(own),
        )
    ledger.drops[split] = dict(sorted(request.drops.items()))
    ledger.answers[split] = dict(sorted(answers.items()))
    ledger.groups[split] = sorted(groups)


def _origins(built: Built, origin: SplitsFile | None) -> list[str]:
    if origin is None:
        return list(built.groups)
    return [group for key in built.groups for group in origin.groups.get(key, (key,))]


def _check_counts(ledger: _Ledger, folder: Path) -> None:
    for split, count in ledger.counts.items():
        if count == 0:
            why = ", ".join(f"{k}: {v}" for k, v in ledger.drops[split].items()) or "no records"
            raise DataError(f"no {split} question could be built from {folder} ({why})")


def _describe(
    task: Task[Any], source: str | Path, seed: int, wanted: Mapping[str, int], ledger: _Ledger
) -> dict[str, Any]:
    pool = source == POOL
    scores = measure(ledger.clues, task.majority or task.chance)
    cues = () if pool else task.cues  # the embedded pictures are staged so that none is left
    return {
        "task": task.name,
        "section": task.section,
        "chance": round(task.chance, 4),
        "answer_form": task.answer_form,
        "seed": seed,
        "source": _pool_source() if pool and not task.generated else asdict(task.source),
        "layout_of": task.source.name,
        "config": asdict(task.pool if pool else task.paper),
        "wanted": dict(wanted),
        "dropped": ledger.drops,
        "answers": ledger.answers,
        "shortcuts": {k: v for k, v in scores.items() if k not in cues},
        "cues": {k: v for k, v in scores.items() if k in cues},
        "groups": ledger.groups,
        "versions": {
            "livr": version("livr"),
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def _pool_source() -> dict[str, Any]:
    licences = Counter(entry.licence for entry in load_pool())
    return {
        "name": "embedded images (photographs, cut-outs, paintings), composed or re-photographed "
        "by program",
        "licence": " and ".join(sorted(licences)),
        "provenance": "livr/data/pool/manifest.csv",
    }
