"""A planned run, as numbers and as text for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Time and memory of a run on one machine.

    Attributes:
        machine: Which.
        method: `measured` (a few real steps here) or `estimated` (from a data sheet).
        reading: Seconds to read the data, vision features included where they are kept.
        stages: Seconds per stage, validation included.
        memory: Peak bytes.
        limit: Bytes the machine has, or None if unknown.
    """

    machine: str
    method: str
    reading: float
    stages: tuple[float, ...]
    memory: float
    limit: int | None

    @property
    def seconds(self) -> float:
        """The whole run."""
        return self.reading + sum(self.stages)


@dataclass(frozen=True)
class Plan:
    """A run that has not been started.

    Attributes:
        facts: What it would do: names and values for people.
        steps: Optimiser steps per stage.
        stage_names: Names of the stages.
        trainable: Numbers that would train.
        tokens: (min, median, max) tokens per example.
        costs: What it would cost, per machine.
    """

    facts: dict[str, str]
    steps: tuple[int, ...]
    stage_names: tuple[str, ...]
    trainable: int
    tokens: tuple[int, float, int]
    costs: tuple[Cost, ...]

    def fields(self) -> dict[str, str]:
        """Names and values for people."""
        fields = dict(self.facts)
        for cost in self.costs:
            parts = [f"reading {clock(cost.reading)}"] if cost.reading >= 1 else []
            names = zip(self.stage_names, cost.stages, strict=True)
            parts += [f"{name} {clock(seconds)}" for name, seconds in names]
            fields[f"time, {cost.machine}"] = (
                f"{_about(cost.seconds)} ({', '.join(parts)}; {cost.method})"
            )
            room = "" if cost.limit is None else f" of {cost.limit / 2**30:.0f}"
            warning = ""
            if cost.limit is not None and cost.memory > cost.limit:
                warning = ": does not fit; try gradient_checkpointing, fewer pixels, per_device 1"
            fields[f"memory, {cost.machine}"] = (
                f"about {cost.memory / 2**30:.1f}{room} GiB{warning}"
            )
        return fields


def _about(seconds: float) -> str:
    text = clock(seconds)
    return text if text.startswith("under") else f"about {text}"


def clock(seconds: float) -> str:
    """A duration for people.

    >>> clock(0.2), clock(42), clock(600), clock(9000)
    ('under 1 s', '42 s', '10 min', '2.5 h')
    """
    if seconds < 1:
        return "under 1 s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
