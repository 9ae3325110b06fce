"""The tasks by name. One file each: construction, licence, paper section."""

from __future__ import annotations

from typing import Any

from livr.data.tasks import counting, jigsaw, localization, visual_similarity
from livr.data.tasks.base import Task
from livr.errors import ConfigError

TASKS: dict[str, Task[Any]] = {
    task.name: task
    for task in (counting.TASK, jigsaw.TASK, localization.TASK, visual_similarity.TASK)
}


def get_task(name: str) -> Task[Any]:
    """Returns a task.

    Raises:
        ConfigError: There is no task of that name.
    """
    if name not in TASKS:
        raise ConfigError(f"there is no task {name!r}; choose one of {', '.join(TASKS)} or all")
    return TASKS[name]
