"""(a) Under the bottleneck without latents the image must change nothing, bit for bit.

Mixtures of experts are held to rounding, as in `livr check` (`blind_tolerance`).
Source: METHOD section 1; ours. If this fails, no other test means what it says.
"""

from __future__ import annotations

from PIL import ImageOps

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding
from livr.data.example import Example
from livr.method.attention import Evaluation
from livr.model.encoder import read_image
from livr.model.model import Use
from livr.model.probes import blind_tolerance, largest_change

MOST = 24
"""Questions looked at: the property holds for each or not at all."""
BATCH = 8
EVALUATIONS: tuple[Evaluation, ...] = ("mask", "pieces")


def negative(example: Example) -> Example:
    """The same question about the photographic negatives of its images."""
    images = tuple(ImageOps.invert(read_image(image, example.id)) for image in example.images)
    return example.model_copy(update={"images": images})


def run(case: Case) -> list[Finding]:
    """Compare the answer's logits on images and their negatives."""
    asked = [e for e in case.examples if e.images][:MOST]
    other = [negative(e) for e in asked]
    most = blind_tolerance(case.questions.model)
    changed: dict[str, int] = {}
    settings: list[tuple[str, str, Use, Evaluation]] = [
        *((f"blind_{e}", "bottleneck", "drop", e) for e in EVALUATIONS),
        ("through_latents", "bottleneck", "keep", "mask"),
        ("in_sight", "ordinary", "drop", "mask"),
    ]
    for name, mask, latents, evaluation in settings:
        pairs = (
            case.questions.model.logits(e, mask, latents, evaluation=evaluation, batch_size=BATCH)
            for e in (asked, other)
        )
        changed[name] = sum(largest_change([x], [y]) > most for x, y in zip(*pairs, strict=True))
        if case.questions.on_step:
            case.questions.on_step(2 * len(asked))
    n = len(asked)
    leaks = max(changed["blind_mask"], changed["blind_pieces"])
    seen = min(changed["through_latents"], changed["in_sight"])
    change = f"by more than rounding ({most:g})" if most else "by a bit"
    return [
        Finding(
            name="blindness",
            claim="The bottleneck hides the image from everything but the latents.",
            done="Answer logits for images and for their negatives, latents left out, under the "
            "bottleneck in both evaluations; then with latents, and without the rule.",
            measured=f"{leaks} of {n} changed {change}; {seen} of {n} changed where the image "
            "may be seen",
            healthy="0 change; all change where the image may be seen",
            verdict="fail" if leaks or not n else "pass" if seen == n else "unclear",
            n=n,
            value=leaks / n if n else None,
            details={"changed": changed},
        )
    ]
