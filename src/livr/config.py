"""Every setting, declared once.

The text under each attribute is the reference in docs/settings.md (docs/settings.py writes it from
here) and what a message says of a setting. Constants that come from the paper name their section;
the others are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from livr.errors import ConfigError
from livr.settings import Settings, build, dump, parse_override, read_yaml

__all__ = [
    "LatentsConfig",
    "LoraConfig",
    "OptimConfig",
    "Settings",
    "TrainConfig",
    "build",
    "dump",
    "load_recipe",
    "parse_override",
    "read_yaml",
]


MAX_SEED = 2**32 - 1
"""The largest that every generator of random numbers takes."""


class LatentsConfig(Settings):
    """The latents (paper 3.2)."""

    num: int = Field(16, ge=1, le=512)
    """K, the number of latents (appendix B)."""
    placement: Literal["after", "before"] = "after"
    """Latents after or before the question (3.2; `before` is an ablation)."""
    shared: bool = False
    """One embedding row for all latents instead of one each (ablation)."""
    noise: float | None = Field(None, ge=0)
    """Norm of the noise on the rows in training over the norm of a row, in the mean (ours).
    Default: the variant's own, 0.1 for livr_noise, else none."""
    elastic: bool | None = None
    """Train with the first k latents, k drawn for each example, so that any number of them can be
    used later (ours). Default: the variant's own, true for livr_elastic."""
    start: Literal["apart", "words"] = "apart"
    """Random rows apart: normal, with mean 0 and the words' size, so that no two are alike. Or
    like words: with their mean and spread per dimension (ours; the paper says "random")."""
    init_seed: int | None = Field(None, ge=0, le=MAX_SEED)
    """Seed of the random rows; default: the seed of the run."""


class LoraConfig(Settings):
    """LoRA on attention and MLP projections of the language model (appendix B)."""

    r: int = Field(16, ge=1)
    """Rank (appendix B)."""
    alpha: int = Field(32, ge=1)
    """Scale (appendix B)."""
    dropout: float = Field(0.05, ge=0, lt=1)
    """Dropout on the adapters' inputs (appendix B)."""


class OptimConfig(Settings):
    """AdamW; each stage starts it anew, with its own warm-up and cosine (appendix B)."""

    lr: float = Field(1e-4, gt=0)
    """Peak learning rate (appendix B)."""
    stages: tuple[float, ...] | None = None
    """Factors on `lr`, one per stage (ours). Default: the same rate in every stage (appendix B)."""
    weight_decay: float = Field(0.01, ge=0)
    """Weight decay (appendix B)."""
    beta1: float = Field(0.9, ge=0, lt=1)
    """AdamW beta 1 (appendix B)."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """AdamW beta 2 (appendix B)."""
    eps: float = Field(1e-8, gt=0)
    """AdamW epsilon (appendix B)."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of a stage's steps with a linearly rising rate (appendix B)."""
    batch_size: int = Field(8, ge=1)
    """Examples per optimiser step (appendix B: 1 x 8 accumulation)."""
    per_device: int | None = Field(None, ge=1)
    """Examples per forward pass; must divide batch_size. Default: 1 as in appendix B, all of
    batch_size for models below 100 M parameters. The result is the same (law 5)."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Gradient clipping (ours; the paper names none, this is the default of transformers)."""

    @model_validator(mode="after")
    def _divides(self) -> OptimConfig:
        if self.per_device is not None and self.batch_size % self.per_device:
            raise ValueError(
                f"per_device={self.per_device} does not divide batch_size={self.batch_size}"
            )
        return self


class TrainConfig(Settings):
    """A training run: what `livr train RECIPE` reads."""

    method: str = "livr"
    """Which variant to train: sft, livr, latents_only, mask_only, ...; docs/variants.md has all."""
    epochs: tuple[float, ...] = (4, 6)
    """Passes over the data per stage (appendix B: 4 + 6 for LIVR, 10 for direct SFT)."""
    model: str = "mini"
    """Hub id (`owner/name`, or `owner/name@revision`), checkpoint folder, or `mini`. A run must be
    exported first, see `livr export`."""
    data: Path | None = None
    """Data set folder with train.jsonl and, for checkpoint selection, val.jsonl."""
    out: Path | None = None
    """Run folder."""
    seed: int = Field(42, ge=0, le=MAX_SEED)
    """Seed of initialisation, data order and dropout (appendix B)."""
    tune: Literal["lora", "full"] = "lora"
    """Train LoRA adapters or the whole language model (full: the Mirage comparison): its layers and
    last norm, not its embedding nor an output of its own. Weights that train are float32, see
    `dtype`."""
    latents: LatentsConfig = LatentsConfig()
    """The latents; ignored by variants without them."""
    share: float | None = Field(None, ge=0, le=1)
    """Probability that an example is under the bottleneck in a stage that mixes both rules (ours).
    Default: 0.5. Only livr_mixed and livr_half_blind have such a stage; others ignore it."""
    lora: LoraConfig = LoraConfig()
    """The adapters; ignored with tune=full."""
    optim: OptimConfig = OptimConfig()
    """The optimiser."""
    checkpoint: Literal["best", "last"] = "best"
    """Keep the epoch with the best validation accuracy of generated answers, or the last one."""
    val_batch_size: int = Field(32, ge=1)
    """Validation questions answered at once; fewer need less memory (ours)."""
    trust_remote_code: bool = False
    """Run code that the checkpoint brings; needed by families that transformers lacks. A recipe
    cannot ask for it: give --trust-remote-code."""
    max_pixels: int | None = Field(None, ge=1)
    """Pixel budget of one image; default: the checkpoint's own. Stored with the run."""
    bottleneck: Literal["pieces", "mask"] = "pieces"
    """How the rule is evaluated: exactly without a mask, or with one. Same result. A rule that is
    partly open (livr_annealed) always takes the mask."""
    cache_vision: bool = True
    """Run the frozen vision tower once per image instead of once per epoch. Same result."""
    vision_cache: Path | None = None
    """Folder for image features, shared by all runs that name it, whatever their method and seed.
    Default: .vision-cache beside the run folder. It may be deleted at any time."""
    vision_cache_gib: float = Field(20, ge=0)
    """Most disk space for image features; beyond it they are kept in memory or not at all."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, more time."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the frozen weights; auto: bfloat16 on a GPU that has it, else float32. LoRA and
    the latents' rows are float32 in either case. With tune=full auto is float32 everywhere, and
    bfloat16 is refused: the steps of the weights would be lost to rounding."""
    load_in_4bit: bool = False
    """Keep the frozen weights of the language model in four bits (QLoRA) and compute in `dtype`.
    Needs a CUDA GPU and bitsandbytes: pip install -e '.[qlora]'."""

    @model_validator(mode="after")
    def _epochs_are_positive(self) -> TrainConfig:
        if any(e <= 0 for e in self.epochs):
            raise ValueError(f"epochs={list(self.epochs)}: every stage needs a positive number")
        return self

    @model_validator(mode="after")
    def _one_rate_per_stage(self) -> TrainConfig:
        factors, count = self.optim.stages, len(self.epochs)
        if factors is not None and (len(factors) != count or min(factors) <= 0):
            raise ValueError(
                f"optim.stages={list(factors)}: give {count} positive numbers, one for each of "
                f"epochs={list(self.epochs)}"
            )
        return self

    @model_validator(mode="after")
    def _four_bits_are_frozen(self) -> TrainConfig:
        if self.load_in_4bit and self.tune == "full":
            raise ValueError("load_in_4bit=true: weights in four bits cannot train; use tune=lora")
        return self

    @model_validator(mode="after")
    def _what_trains_is_precise(self) -> TrainConfig:
        if self.dtype == "bfloat16" and self.tune == "full":
            raise ValueError(
                "dtype=bfloat16: with tune=full these are the weights that train, and bfloat16 "
                "rounds most of their steps away; use dtype=float32 (or auto), or tune=lora"
            )
        return self

    @property
    def precision(self) -> Literal["auto", "float32", "bfloat16"]:
        """How a checkpoint is loaded: `dtype`, but never auto where its own weights train."""
        return "float32" if self.tune == "full" else self.dtype


def load_recipe(path: Path, overrides: Sequence[str] = (), **given: Any) -> TrainConfig:
    """Read a recipe.

    Args:
        path: YAML file with the settings of `TrainConfig`.
        overrides: `a.b=c` texts, applied in order.
        given: Settings that win over both; None means not given.

    Raises:
        ConfigError: The file is missing, not YAML, or holds a wrong setting; or it asks for
            trust_remote_code, which is for the user to decide, not for a file.
    """
    values = read_yaml(path, "recipe") or {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected settings like 'method: livr', found {values!r}")
    if values.get("trust_remote_code") and not given.get("trust_remote_code"):
        raise ConfigError(
            f"{path} asks to run the code that a checkpoint brings. A file cannot decide that: "
            "read the code, then give --trust-remote-code"
        )
    for text in overrides:
        keys, value = parse_override(text)
        target = values
        for key in keys[:-1]:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise ConfigError(f"--set {text!r}: {key} has no settings inside")
        target[keys[-1]] = value
    values.update({name: value for name, value in given.items() if value is not None})
    return build(TrainConfig, values, str(path), overrides)
