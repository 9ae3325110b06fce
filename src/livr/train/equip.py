"""What a variant asks for, put in place: stages, latents, and what trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.method.stages import Stage, StagePlan
from livr.method.variants import Variant
from livr.model.adapter import add_lora, mark_trained, train_decoder
from livr.model.model import Model
from livr.train.dataset import EncodedSet
from livr.train.stage import Learner


@dataclass(frozen=True)
class Parts:
    """What the runner is made of; an arm that deviates in more than values brings its own.

    Attributes:
        dataset: Makes the sets of examples; called like `EncodedSet`.
        learner: Makes a stage's loss; called like `Learner`.
    """

    dataset: Callable[..., EncodedSet] = EncodedSet
    learner: Callable[..., Learner] = Learner


def parts_of(arm: Variant, config: TrainConfig) -> Parts:
    """The arm's parts."""
    if arm.home is None:
        return Parts()
    own: Parts = import_module(arm.home).parts(config)
    return own


def stages_of(arm: Variant, config: TrainConfig) -> StagePlan:
    """The stages of a run: the variant's, with what the settings say instead.

    Raises:
        ConfigError: The variant trains nothing, or `epochs` has not one number per stage.
    """
    plan = arm.plan(config.epochs)
    if not plan:
        raise ConfigError(f"method {arm.name} trains nothing; use livr eval on the model itself")
    given = {"noise": config.latents.noise, "elastic": config.latents.elastic}
    mixing = {"share": config.share}
    rates = config.optim.stages or (1.0,) * len(plan)
    return tuple(
        _changed(stage, {"rate": rate} | given | (mixing if stage.share < 1 else {}))
        for stage, rate in zip(plan, rates, strict=True)
    )


def _changed(stage: Stage, settings: dict[str, Any]) -> Stage:
    """The stage with every setting that is given."""
    return replace(stage, **{name: v for name, v in settings.items() if v is not None})


def equip(model: Model, arm: Variant, config: TrainConfig) -> None:
    """Add the latents if the variant has them, and let train what shall train.

    Raises:
        ConfigError: The model brings latents that the variant does not have.
    """
    if arm.latents and model.latents is None:
        model.add_latents(config.latents, config.seed)
    if not arm.latents and model.latents is not None:
        raise ConfigError(f"method {arm.name} has no latents, but the model brings some")
    model.encoder.repeats = arm.repeats
    if arm.adapts:
        if config.tune == "lora":
            add_lora(model, config.lora)
        else:
            train_decoder(model)
    mark_trained(model)
