"""What a test says: one claim, what was measured, what would be healthy, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from livr.analysis.in_print import percent, points
from livr.evaluate.clustered import design_effect
from livr.evaluate.shared import Sources
from livr.evaluate.stats import Interval, paired_difference

Verdict = Literal["pass", "fail", "unclear", "info"]

NEGLIGIBLE = 0.05
"""An effect on accuracy whose whole interval lies below this counts as none (ours)."""


@dataclass(frozen=True)
class Finding:
    """One line of an audit.

    Attributes:
        name: Test and part, for instance `content.other`.
        claim: What a healthy model does, as a statement.
        done: What was done to find out.
        measured: The result in words.
        healthy: The healthy range in words.
        verdict: `pass`, `fail`, `unclear` (the data cannot tell), `info` (no healthy range).
        n: Questions, or pairs of them, behind the number.
        value: The number.
        interval: Its 95 % interval.
        details: Further numbers.
        digits: Digits of the interval in print where it is one of plain numbers; None: of shares,
            in percent. Not kept as JSON.
    """

    name: str
    claim: str
    done: str
    measured: str
    healthy: str
    verdict: Verdict
    n: int
    value: float | None = None
    interval: Interval | None = None
    details: dict[str, Any] = field(default_factory=dict)
    digits: int | None = field(default=None, compare=False)

    @property
    def decisive(self) -> bool:
        """Whether the verdict on the model rests on it."""
        return self.name in DECISIVE

    def row(self) -> dict[str, Any]:
        """As JSON."""
        values = asdict(self)
        del values["digits"]
        if self.interval is not None:
            values["interval"] = [self.interval.low, self.interval.high]
        details = values.pop("details")
        return values | {"decisive": self.decisive, "details": details}

    @classmethod
    def too_few(cls, name: str, claim: str, found: str, needed: str, n: int) -> Finding:
        """A test that was left out: `found` says what there was, `needed` what it takes."""
        return cls(name, claim, "Not run: too few questions.", found, f"needs {needed}", "info", n)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Finding:
        """The finding that `row` was made of.

        Raises:
            KeyError, TypeError: A field is missing, unknown or not what it should be.
        """
        values = dict(row)
        del values["decisive"]  # follows from the name
        interval = values.pop("interval")
        return cls(**values, interval=None if interval is None else Interval(*interval))


DECISIVE = (
    "blindness",
    "accuracy",
    "dropped",
    "content.sham",
    "content.other",
    "content.other.bottleneck",
    "retention",
    "transplant",
)
"""What a whole audit finds that the verdict on the model rests on."""


def missing(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Decisive findings that were not made."""
    names = {f.name for f in findings}
    return tuple(name for name in DECISIVE if name not in names)


def overall(findings: Sequence[Finding]) -> Verdict:
    """The verdict on the model: its worst decisive finding; `unclear` where one is missing.

    >>> overall([])
    'unclear'
    """
    verdicts = {f.verdict for f in findings if f.decisive}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} and not missing(findings) else "unclear"


def judge_effect(interval: Interval) -> Verdict:
    """`pass` if the effect is there, `fail` if it is absent or negligible, else `unclear`.

    >>> [judge_effect(Interval(*ends)) for ends in ((0.02, 0.3), (-0.03, 0.03), (-0.1, 0.2))]
    ['pass', 'fail', 'unclear']
    """
    if interval.low > 0:
        return "pass"
    return "fail" if interval.high < NEGLIGIBLE else "unclear"


@dataclass(frozen=True)
class Fall:
    """How far accuracy falls by an intervention, on the same questions.

    Attributes:
        before: Accuracy without it.
        after: Accuracy with it.
        interval: 95 % interval of before - after.
        n: Questions.
    """

    before: float
    after: float
    interval: Interval
    n: int

    @property
    def size(self) -> float:
        """before - after."""
        return self.before - self.after

    def words(self) -> str:
        """For print."""
        return (
            f"{percent(self.before)} → {percent(self.after)}, "
            f"falls by {points(self.size, signed=False)} points"
        )

    def numbers(self) -> dict[str, float]:
        """For JSON."""
        return {"before": self.before, "after": self.after, "fall": self.size}


def fall(before: Sequence[bool], after: Sequence[bool], sources: Sources = ()) -> Fall:
    """Compare right and wrong answers without and with an intervention.

    Args:
        before: Right or wrong without it.
        after: Right or wrong with it.
        sources: The sources of each question; those they have in common make the interval wider.
    """
    n = len(before)
    lost = [int(b) - int(a) for b, a in zip(before, after, strict=True)]
    interval = paired_difference(after, before, effect=design_effect(lost, sources))
    return Fall(sum(before) / n, sum(after) / n, interval, n)
