"""Draws docs/data-tasks.webp, a row with two questions for each task: python docs/sheet.py

The questions come from `livr data build all --source pool`, with few questions per task.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from livr.data.build import build_task
from livr.data.pool.writers import WRITERS
from livr.data.show import contact_sheet, sample
from livr.data.store import load_split
from livr.data.tasks import TASKS

QUESTIONS, SEED = 2, 0


def main() -> None:
    """Build the nine tasks and draw the sheet."""
    with tempfile.TemporaryDirectory() as folder:
        examples = []
        for name in (name for name in TASKS if name in WRITERS):
            data = Path(folder) / name
            build_task(name, "pool", data, {"train": 4 * QUESTIONS}, SEED)
            examples += sample(load_split(data, "train"), QUESTIONS, SEED)
        sheet = contact_sheet(examples, QUESTIONS)
        sheet.save(Path(__file__).with_name("data-tasks.webp"), quality=80, method=6)


if __name__ == "__main__":
    main()
