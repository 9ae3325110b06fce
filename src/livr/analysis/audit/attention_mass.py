"""(d) How much of the answer's attention goes to the latents, layer by layer (paper 4.3.1)."""

from __future__ import annotations

import torch

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding, Verdict
from livr.analysis.inside.questions import Questions
from livr.analysis.inside.weights import recorded
from livr.evaluate.stats import Interval
from livr.method.roles import Role


@torch.no_grad()
def masses(questions: Questions) -> torch.Tensor:
    """(N, layers) attention mass on the latents, a mean over heads and looking positions.

    The positions that look are those whose output writes the answer: the one before each answer
    token.
    """
    found = []
    for chunk in questions.chunks():
        batch = questions.batch(chunk, answer=True)
        looks_BT = batch.keep_BT
        most = int(looks_BT.sum(1).max())
        order_BT = torch.argsort(~looks_BT, dim=1, stable=True)
        rows_BR = order_BT[:, :most]
        real_BR = looks_BT.gather(1, rows_BR).float()
        with recorded(questions.model, rows_BR) as weights:
            questions.model.hf(**batch.inputs, logits_to_keep=1, use_cache=False)
        latents_BT = (batch.roles_BT == Role.LATENT).float()
        mass_LBR = torch.einsum("lbrt,bt->lbr", weights.stacked(), latents_BT)
        # A row of padding looks at nothing: its weights are no numbers.
        mass_LBR = mass_LBR.masked_fill(real_BR == 0, 0)
        mass_LB = mass_LBR.sum(-1) / real_BR.sum(-1)
        found.append(mass_LB.T.cpu())
    return torch.cat(found)


def run(case: Case) -> list[Finding]:
    """Mass on the latents; against the control's if there is one."""
    own = masses(case.questions).numpy()
    n = len(own)
    value = float(own.mean())
    details: dict[str, object] = {"per_layer": own.mean(0).tolist()}
    interval = case.mean_interval(own.mean(1))
    measured = f"{value:.3f} on the latents"
    healthy = "no range without a latents-only control"
    verdict: Verdict = "info"
    if case.control is not None and case.control.model.num_latents:
        control = masses(case.control).numpy()
        details |= {"control_per_layer": control.mean(0).tolist(), "control": float(control.mean())}
        gain = own.mean(1) - control.mean(1)
        difference = case.mean_interval(gain)
        details["difference"] = [difference.low, difference.high]
        measured += f", {control.mean():.3f} in the control"
        healthy = "above the control (paper: 0.076 against 0.028): difference above 0"
        verdict = _against(difference)
    return [
        Finding(
            name="attention",
            claim="Answers attend to the latents more than a latents-only control's do.",
            done="Attention of the positions that write the answer, ordinary rule; mean over "
            "heads, layers and positions.",
            measured=measured,
            healthy=healthy,
            verdict=verdict,
            n=n,
            value=value,
            interval=interval,
            details=details,
            digits=3,
        )
    ]


def _against(difference: Interval) -> Verdict:
    if difference.low > 0:
        return "pass"
    return "fail" if difference.high <= 0 else "unclear"
