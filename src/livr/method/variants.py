"""LIVR and the arms it is compared with, as values.

A variant says what the prompt carries besides images and question, what trains, and under which
rule each stage trains. How long a stage lasts is a setting of the run. Everything else is shared,
so arms differ in nothing but what is named here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from livr.errors import ConfigError
from livr.method.bottleneck import ANSWER_BLIND, BOTTLENECK, LATENTS_UNPROMPTED, ORDINARY, Policy
from livr.method.stages import Stage, StagePlan, cosine


def stages(*policies: Policy) -> StagePlan:
    """One stage per policy, called stage1, stage2, ..."""
    return tuple(Stage(f"stage{i}", policy) for i, policy in enumerate(policies, start=1))


@dataclass(frozen=True)
class Variant:
    """One arm.

    Attributes:
        name: As in result files.
        latents: Whether K latents are in the prompt.
        stages: The stages, their lengths aside; empty: nothing is trained.
        source: Where the arm is described.
        repeats: Whether the images are given again after the question, in the latents' role.
        adapts: Whether the language model trains; if not, only the latents' rows do.
        home: Module of an arm that deviates in more than values, or None. Named, not imported.
    """

    name: str
    latents: bool
    stages: StagePlan
    source: str
    repeats: bool = False
    adapts: bool = True
    home: str | None = None

    def plan(self, epochs: Sequence[float]) -> StagePlan:
        """The stages of a run.

        Raises:
            ConfigError: `epochs` has not one number per stage.
        """
        if len(epochs) != len(self.stages):
            raise ConfigError(
                f"method {self.name} has {len(self.stages)} stage(s), but epochs="
                f"{list(epochs)} has {len(epochs)}; give one number per stage"
            )
        return tuple(replace(s, epochs=n) for s, n in zip(self.stages, epochs, strict=True))


_MIRAGE = "livr.baselines.mirage"
_LIVR = stages(BOTTLENECK, ORDINARY)
_OPENS = replace(_LIVR[0], gate=cosine)
_HALF = (Stage("stage1", BOTTLENECK, share=0.5), _LIVR[1])
_MIXED = (_LIVR[0], Stage("stage2", BOTTLENECK, share=0.5))
_MIDDLE = (_LIVR[0], replace(_OPENS, name="stage2"), replace(_LIVR[1], name="stage3"))
_ELASTIC = tuple(replace(stage, elastic=True) for stage in _LIVR)
_NOISE = tuple(replace(stage, noise=0.1) for stage in _LIVR)

VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        v.name: v
        for v in (
            Variant("zero_shot", False, (), "the backbone as it is"),
            Variant("sft", False, stages(ORDINARY), "direct fine-tuning, 4.2"),
            Variant("livr", True, _LIVR, "the method, 3.2"),
            Variant("latents_only", True, stages(ORDINARY), "latents without bottleneck, 4.3.1"),
            Variant("mask_only", False, stages(ANSWER_BLIND, ORDINARY), "no latents, 4.3"),
            Variant("image_twice", False, stages(ORDINARY), "image for latents, 4.3", repeats=True),
            Variant("image_twice_livr", False, _LIVR, "the same, both stages, 4.3", repeats=True),
            Variant("prompt_tuning", True, stages(ORDINARY), "only the rows, 4.3", adapts=False),
            Variant("livr_answer_blind", True, stages(ANSWER_BLIND, ORDINARY), "mask, 4.3"),
            Variant("livr_unprompted", True, stages(LATENTS_UNPROMPTED, ORDINARY), "mask, 4.3"),
            Variant("mirage", False, stages(ORDINARY, ORDINARY), "2506.17218", home=_MIRAGE),
            Variant("livr_warm", True, stages(ORDINARY, BOTTLENECK, ORDINARY), "ours: task first"),
            Variant("livr_annealed", True, (_OPENS, _LIVR[1]), "ours: stage 1 opens by and by"),
            Variant("livr_annealed_middle", True, _MIDDLE, "ours: an opening stage between"),
            Variant("livr_half_blind", True, _HALF, "ours: stage 1 under both rules"),
            Variant("livr_mixed", True, _MIXED, "ours: stage 2 under both rules"),
            Variant("livr_elastic", True, _ELASTIC, "ours: trained with any number of latents"),
            Variant("livr_noise", True, _NOISE, "ours: noise on the rows"),
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
