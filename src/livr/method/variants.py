"""LIVR and the arms it is compared with, as values.

A variant says whether the prompt carries latents and which policy each stage trains under. How
long a stage lasts is a setting of the run. Everything else is shared, so arms differ in nothing
but what is named here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from livr.errors import ConfigError
from livr.method.bottleneck import ANSWER_BLIND, BOTTLENECK, LATENTS_UNPROMPTED, ORDINARY, Policy
from livr.method.stages import Stage, StagePlan


@dataclass(frozen=True)
class Variant:
    """One arm.

    Attributes:
        name: As in result files.
        latents: Whether K latents are in the prompt.
        policies: The attention rule of each stage; empty: nothing is trained.
        source: Where the arm is described.
    """

    name: str
    latents: bool
    policies: tuple[Policy, ...]
    source: str

    def plan(self, epochs: Sequence[float]) -> StagePlan:
        """The stages of a run.

        Raises:
            ConfigError: `epochs` has not one number per stage.
        """
        if len(epochs) != len(self.policies):
            raise ConfigError(
                f"method {self.name} has {len(self.policies)} stage(s), but epochs="
                f"{list(epochs)} has {len(epochs)}; give one number per stage"
            )
        pairs = zip(self.policies, epochs, strict=True)
        return tuple(Stage(f"stage{i}", rule, n) for i, (rule, n) in enumerate(pairs, start=1))


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        v.name: v
        for v in (
            Variant("zero_shot", False, (), "the backbone as it is"),
            Variant("sft", False, (ORDINARY,), "direct fine-tuning, 4.2"),
            Variant("livr", True, (BOTTLENECK, ORDINARY), "the method, 3.2"),
            Variant("latents_only", True, (ORDINARY,), "latents without bottleneck, 4.3.1"),
            Variant("mask_only", False, (ANSWER_BLIND, ORDINARY), "mask without latents, 4.3"),
            Variant("livr_answer_blind", True, (ANSWER_BLIND, ORDINARY), "mask ablation, 4.3"),
            Variant("livr_unprompted", True, (LATENTS_UNPROMPTED, ORDINARY), "mask ablation, 4.3"),
        )
    }
)


def variant(name: str) -> Variant:
    """The variant called `name`.

    Raises:
        ConfigError: There is none; the message lists those that exist.
    """
    if name not in VARIANTS:
        raise ConfigError(f"unknown method {name!r}; choose one of {', '.join(VARIANTS)}")
    return VARIANTS[name]
