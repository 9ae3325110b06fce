"""The tasks by name. One file each: construction, licence, paper section."""

from __future__ import annotations

from typing import Any

from livr.data.tasks import (
    art_style,
    counting,
    functional_correspondence,
    jigsaw,
    localization,
    mmvp,
    relative_reflectance,
    robospatial,
    sat,
    semantic_correspondence,
    visual_correspondence,
    visual_cot,
    visual_similarity,
    vsp,
    vstar,
)
from livr.data.tasks.base import Task
from livr.errors import ConfigError

TASKS: dict[str, Task[Any]] = {
    module.TASK.name: module.TASK
    for module in (
        counting,
        jigsaw,
        localization,
        visual_correspondence,
        art_style,
        semantic_correspondence,
        functional_correspondence,
        relative_reflectance,
        visual_similarity,
        sat,
        robospatial,
        visual_cot,
        mmvp,
        vstar,
        vsp,
    )
}


def get_task(name: str, *others: str) -> Task[Any]:
    """Returns a task.

    Args:
        name: Its name.
        others: What may be named in its place, for the message.

    Raises:
        ConfigError: There is no task of that name.
    """
    if name not in TASKS:
        known = ", ".join((*TASKS, *others))
        raise ConfigError(f"there is no task {name!r}; choose one of {known}")
    return TASKS[name]
