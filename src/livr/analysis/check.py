"""`livr check`: the laws of this project, proved on one particular model.

Every law is tested with probes (questions about noise), so no data set is needed. A law that
does not hold is a reason not to train on that model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from livr.analysis.laws import LAWS
from livr.config import LatentsConfig
from livr.model.load import load


@dataclass(frozen=True)
class Finding:
    """One law on one model.

    Attributes:
        law: Which one.
        done: What was done.
        measured: What came out.
        holds: Whether the law holds.
    """

    law: str
    done: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class Report:
    """All laws on one model.

    Attributes:
        model: Where it came from.
        family: Its family.
        tested: Whether the test suite proves that family.
        attention: How its decoder attends before any rule of ours.
        findings: One per law.
        remark: What a user of the family should know.
        seconds: How long it took.
    """

    model: str
    family: str
    tested: bool
    attention: str
    findings: tuple[Finding, ...]
    remark: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every law holds."""
        return all(finding.holds for finding in self.findings)

    def summary(self) -> dict[str, Any]:
        """The report as `livr check --json` prints it."""
        return {"holds": self.holds, **asdict(self), "findings": [asdict(f) for f in self.findings]}


def check(
    source: str,
    *,
    trust_remote_code: bool = False,
    max_pixels: int | None = None,
    on_law: Callable[[str], None] | None = None,
) -> Report:
    """Prove laws 1 to 5 on a model, in float32.

    Args:
        source: Hub id, checkpoint folder, run folder, or `mini`.
        trust_remote_code: Whether code inside the checkpoint may run.
        max_pixels: Pixel budget of one image.
        on_law: Called with the name of each law before it is tested.

    Raises:
        ModelError: It cannot be loaded.
        UnsupportedModelError: Its architecture is refused; the message says why.
    """
    start = time.monotonic()
    model = load(
        source, dtype="float32", max_pixels=max_pixels, trust_remote_code=trust_remote_code
    )
    if model.latents is None:
        model.add_latents(LatentsConfig(num=4), seed=0)
    findings = []
    for law, (done, test) in LAWS.items():
        if on_law is not None:
            on_law(law)
        findings.append(_find(law, done, partial(test, model)))
    family = model.family
    return Report(
        model=str(source),
        family=family.name,
        tested=family.known,
        attention=family.attention,
        findings=tuple(findings),
        remark=family.remark,
        seconds=round(time.monotonic() - start, 1),
    )


def _find(law: str, done: str, test: Callable[[], tuple[str, bool]]) -> Finding:
    try:
        measured, holds = test()
    except Exception as error:  # A law that cannot even be tested does not hold.
        line = next(iter(str(error).splitlines()), "")
        measured, holds = f"{type(error).__name__}: {line}", False
    return Finding(law, done, measured, holds)
