"""`livr.audit`: every test on one model, one table, one page."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from livr.analysis import robustness
from livr.analysis.audit import (
    accuracy,
    attention_mass,
    blindness,
    bottleneck,
    collapse,
    content,
    counterfactual,
    factors,
    probes,
    robust,
    transplant,
)
from livr.analysis.audit.beside import doubts, refuse_no_control
from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding
from livr.analysis.audit.result import Audit, write
from livr.analysis.inside.questions import Questions
from livr.arguments import checked
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import ConfigError, DataError, ModelError
from livr.evaluate.shared import how_many
from livr.evaluate.target import refuse_folder
from livr.machine import surroundings
from livr.model.load import load
from livr.model.model import Model
from livr.train.progress import Listener, Meter

Source = Model | str | PathLike[str]


@dataclass(frozen=True)
class Test:
    """One test of the audit.

    Attributes:
        title: What is going on while it runs.
        run: Makes its findings.
        cost: About how many passes over the questions it makes; for estimates of time.
    """

    title: str
    run: Callable[[Case], list[Finding]]
    cost: float


TESTS: dict[str, Test] = {
    "blindness": Test("is the rule blind", blindness.run, 0.5),
    "accuracy": Test("with and without latents", accuracy.run, 2),
    "content": Test("content replaced", content.run, 14),
    "bottleneck": Test("under the bottleneck", bottleneck.run, 2),
    "transplant": Test("transplant", transplant.run, 2),
    "attention": Test("attention mass", attention_mass.run, 2),
    "collapse": Test("collapse", collapse.run, 1),
    "probes": Test("probes", probes.run, 4),
    "factors": Test("probes for known factors", factors.run, 2),
    "counterfactual": Test("counterfactual pairs", counterfactual.run, 6),
    "robustness": Test("disturbed images", robust.run, robustness.passes()),
}
"""Every test, in the order in which they run."""


@checked
def audit(
    model: Source,
    data: str | PathLike[str],
    split: str = "test",
    *,
    control: Source | None = None,
    baseline: Source | None = None,
    out: str | PathLike[str] | None = None,
    tests: Sequence[str] = (),
    limit: int | None = 200,
    batch_size: int = 32,
    seed: int = 0,
    trust_remote_code: bool = False,
    on_progress: Listener | None = None,
) -> Audit:
    """Are the latents used, and for what they carry?

    Args:
        model: A model with latents: a run, or a loaded model.
        data: Data set folder.
        split: `train`, `val` or `test`.
        control: A latents-only run on the same data, for attention mass.
        baseline: A run without latents on the same data, for robustness.
        out: Folder for `audit.json` and `audit.html`.
        tests: Names from `TESTS`; default all.
        limit: Most questions, drawn at random; None or 0: all.
        batch_size: Questions per forward pass.
        seed: Seed of every draw.
        trust_remote_code: Run the code that the checkpoints bring.
        on_progress: Told how far the audit is.

    Raises:
        ConfigError: There is no such test, control or baseline, see `beside`; `limit` is negative,
            or `out` cannot be written.
        ModelError: The model has no latents, or cannot be loaded.
        DataError: The questions cannot be read, or there are none.
    """
    _refuse(tests, out, model, control, baseline)
    examples = draw_questions(load_split(Path(data), split), limit, seed, f"{data}, split {split}")
    chosen = {name: TESTS[name] for name in TESTS if not tests or name in tests}
    meter = Meter(sum(t.cost for t in chosen.values()) + 1, on_progress)
    case = _case(model, control, baseline, examples, batch_size, seed, trust_remote_code)
    meter.advance(1, "reading images")
    findings = [found for test in chosen.values() for found in _perform(test, case, meter)]
    result = Audit(
        model=source_name(model),
        data=str(data),
        split=split,
        n=len(examples),
        control=None if control is None else source_name(control),
        baseline=None if baseline is None else source_name(baseline),
        seed=seed,
        findings=tuple(findings),
        sources=how_many(case.sources),
        surroundings=surroundings(),
        doubts=doubts(model, control, baseline),
    )
    if out is not None:
        write(result, Path(out))
    return result


def _refuse(tests: Sequence[str], out: str | PathLike[str] | None, *sources: Source | None) -> None:
    """Complain about what cannot work before anything is loaded."""
    unknown = [name for name in tests if name not in TESTS]
    if unknown:
        raise ConfigError(f"there is no test {unknown[0]!r}; choose from {', '.join(TESTS)}")
    if out is not None:
        refuse_folder(out)
    refuse_no_control(*sources)


def draw_questions(
    examples: list[Example], limit: int | None, seed: int, where: str
) -> list[Example]:
    """At most `limit` questions, in the order of the file.

    Args:
        examples: All questions; those without an image or an answer are left out.
        limit: Most questions, drawn at random; None or 0: all.
        seed: Seed of the draw.
        where: What the questions are, for messages.

    Raises:
        ConfigError: `limit` is negative.
        DataError: No question is left.
    """
    if limit is not None and limit < 0:
        raise ConfigError(f"limit is {limit}; give 1 or more questions, or 0 for all")
    usable = [e for e in examples if e.images and e.answer]
    if not usable:
        raise DataError(f"{where}: no question has both an image and an answer")
    if not limit or len(usable) <= limit:
        return usable
    index = sorted(random.Random(seed).sample(range(len(usable)), limit))
    return [usable[i] for i in index]


def _case(
    model: Source,
    control: Source | None,
    baseline: Source | None,
    examples: Sequence[Example],
    batch_size: int,
    seed: int,
    trust_remote_code: bool,
) -> Case:
    asked = open_model(model, trust_remote_code)
    if not asked.num_latents:
        raise ModelError(
            f"{source_name(model)} has no latents, so there is nothing to audit; give a run of "
            "livr train with method livr or latents_only"
        )
    against = None if control is None else open_model(control, trust_remote_code)
    if control is not None and against is not None and not against.num_latents:
        raise ModelError(
            f"--control {source_name(control)} has no latents; give a latents_only run"
        )
    plain = None if baseline is None else open_model(baseline, trust_remote_code)
    if baseline is not None and plain is not None and plain.num_latents:
        raise ModelError(f"--baseline {source_name(baseline)} has latents; give an sft run")
    return Case(
        Questions(asked, examples, batch_size),
        control=None if against is None else Questions(against, examples, batch_size),
        baseline=None if plain is None else Questions(plain, examples, batch_size),
        seed=seed,
    )


def _perform(test: Test, case: Case, meter: Meter) -> list[Finding]:
    """Run one test; it may be cheaper than announced, then the rest is done at its end."""
    end = meter.done + test.cost
    n = len(case.examples)

    def step(count: int) -> None:
        meter.advance(min(count / n, end - meter.done), test.title)

    meter.advance(0, test.title)
    for questions in (case.questions, case.control, case.baseline):
        if questions is not None:
            questions.on_step = step
    findings = test.run(case)
    meter.advance(end - meter.done, test.title)
    return findings


def open_model(source: Source, trust_remote_code: bool = False) -> Model:
    """A loaded model as it is, anything else through `livr.load`."""
    if isinstance(source, Model):
        return source
    return load(fspath(source), trust_remote_code=trust_remote_code)


def source_name(source: Source) -> str:
    """How results call a model."""
    return source.source if isinstance(source, Model) else fspath(source)
