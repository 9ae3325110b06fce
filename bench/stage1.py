"""A step of stage 1 over a step of stage 2. The rule should cost nothing.

`ratio` is stage 1 as it is trained (the rule as dense pieces) over stage 2 (plain causal), and
`ratio_masked` the same with the rule as a mask. A step is forward, backward and optimiser, with
kept image features; `by_tokens` has other numbers of image tokens.
"""

from __future__ import annotations

from typing import Any

import torch
from parts.checkpoint import bench_model, examples, parameters
from parts.timing import interleaved, main, median, ratio

from livr.config import TrainConfig
from livr.method.bottleneck import BOTTLENECK, ORDINARY
from livr.method.stages import Stage
from livr.model.adapter import add_lora
from livr.model.batch import Batch
from livr.model.model import Model
from livr.train.dataset import EncodedSet
from livr.train.stage import Learner, mean_over_answers

TOKENS = 256
ARMS = {
    "stage1": (BOTTLENECK, "pieces"),
    "masked": (BOTTLENECK, "mask"),
    "stage2": (ORDINARY, "mask"),
}


def learners(model: Model, dropout: float) -> dict[str, Learner]:
    """One per arm, over the same model."""
    config = TrainConfig.model_validate({"lora": {"dropout": dropout}})
    add_lora(model, config.lora)
    return {
        name: Learner(model, Stage(name, rule), config.model_copy(update={"bottleneck": how}))
        for name, (rule, how) in ARMS.items()
    }


def loss_and_gradient(learner: Learner, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss, and the gradient of everything that moves as one vector."""
    learner.zero_grad()
    loss = mean_over_answers(learner(batch), batch.labels_BT)
    loss.backward()
    moving = [p.grad.flatten() for p in learner.parameters() if p.grad is not None]
    return loss.detach(), torch.cat(moving)


def check(arms: dict[str, Learner], batch: Batch) -> float:
    """Assert that pieces and mask train the same; returns how far their gradients differ."""
    (loss, gradient), (expected, reference) = (
        loss_and_gradient(arms[name], batch) for name in ("stage1", "masked")
    )
    other = loss_and_gradient(arms["stage2"], batch)[0]
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)
    difference = float((gradient - reference).norm() / reference.norm())
    assert difference < 1e-3, difference
    assert abs(float(other - loss)) > abs(float(expected - loss)), "the rule changes nothing"
    return difference


def run(short: bool) -> dict[str, Any]:
    sizes = (16, 36) if short else (64, TOKENS, 576)
    rounds, batch_size = (1, 2) if short else (15, 2)
    by_tokens: dict[str, Any] = {}
    with bench_model(short) as model:
        size = parameters(model)
        arms = learners(model, dropout=0.0)
        moving = [p for p in arms["stage1"].parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(moving, lr=0.0)
        for tokens in sizes:
            data = EncodedSet(model, examples(batch_size, tokens))
            batch = data.batch([data[i] for i in range(len(data))])
            difference = check(arms, batch)

            def step(name: str, batch: Batch = batch) -> None:
                loss_and_gradient(arms[name], batch)
                optimiser.step()

            works = {name: (lambda name=name: step(name)) for name in ARMS}
            seconds = interleaved(works, rounds)
            by_tokens[str(tokens)] = {
                "length": batch.roles_BT.shape[1],
                "ratio": ratio(seconds, "stage1", "stage2"),
                "ratio_masked": ratio(seconds, "masked", "stage2"),
                "seconds": {name: median(values) for name, values in seconds.items()},
                "gradient_difference": difference,
            }
    main_size = by_tokens[str(sizes[1])]
    return {
        "ratio": main_size["ratio"],
        "ratio_masked": main_size["ratio_masked"],
        "target": 1.0,
        "image_tokens": sizes[1],
        "batch": batch_size,
        "rounds": rounds,
        "parameters": size,
        "by_tokens": by_tokens,
    }


if __name__ == "__main__":
    main("stage1", run)
