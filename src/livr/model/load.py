"""One way in for every model: hub id, checkpoint folder, run folder, or `mini`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from livr.backbones.backbone import load_backbone
from livr.backbones.family import family_of
from livr.backbones.four_bit import need_four_bit
from livr.backbones.hub import base_is_gone, must_look_like_a_checkpoint
from livr.backbones.processor import load_processor
from livr.config import LatentsConfig, TrainConfig, build
from livr.data.example import Example
from livr.errors import ConfigError, ModelError
from livr.machine import has_bfloat16
from livr.method.attention import Evaluation
from livr.method.bottleneck import ORDINARY
from livr.method.variants import VARIANTS
from livr.mini import EMBEDDED, checkpoint_dir
from livr.model.adapter import load_adapter
from livr.model.batch import Batch
from livr.model.encoder import Encoded
from livr.model.model import Model, Use
from livr.model.probes import refuse_leak
from livr.model.vocabulary import known_latents, refuse_latents
from livr.settings import read_yaml

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class ExportedModel(Model):
    """An export of LIVR, asked as other programs ask it.

    Its latents are ordinary words that its chat template writes. livr can neither leave them out
    nor give them their role, so both is refused rather than ignored.
    """

    def refuse_method(self, method: str | None) -> None:
        """Refuse a method that needs latents or a mask of its own, or changes the prompt.

        Raises:
            ModelError: It is one of these.
        """
        arm = VARIANTS.get(method or "")
        if arm is not None:
            hides = any(stage.asked is not ORDINARY for stage in arm.stages)
            if hides or arm.latents or arm.repeats or arm.home is not None:
                refuse_latents(self.hf, self.tokenizer, f"method {arm.name} does not fit it")

    def in_words(self, latents: Use) -> Use | str:
        """Which latents take part, as results say it: always all, which livr does not see."""
        return f"{known_latents(self.tokenizer)}, added by the chat template"

    def encode(self, examples: Sequence[Example], latents: Use, answer: bool) -> list[Encoded]:
        """Encode examples; see `Encoder.encode`.

        Raises:
            ModelError: Latents are to be left out.
        """
        if latents != "keep":
            refuse_latents(self.hf, self.tokenizer, "none of them can be left out")
        return super().encode(examples, latents, answer)

    @contextmanager
    def rule(
        self, mask: str, batch: Batch, evaluation: Evaluation = "mask", roles: Tensor | None = None
    ) -> Iterator[None]:
        """Put the policy called `mask` in force; see `Prompter.rule`.

        Raises:
            ModelError: It is another than `ordinary`.
        """
        if mask != ORDINARY.name:
            refuse_latents(self.hf, self.tokenizer, f"mask {mask} would blind them, too")
        with super().rule(mask, batch, evaluation, roles):
            yield


def load(
    source: str | Path,
    *,
    num_latents: int | None = None,
    latents: LatentsConfig | None = None,
    seed: int = 42,
    max_pixels: int | None = None,
    method: str | None = None,
    dtype: str = "auto",
    device: str | torch.device | None = None,
    trust_remote_code: bool = False,
    load_in_4bit: bool = False,
) -> Model:
    """Load a model.

    Args:
        source: Hub id (`owner/name` or `owner/name@revision`), checkpoint folder, run folder of
            `livr train`, or `mini`. An export is asked as it is: all latents, the ordinary mask.
        num_latents: Add this many fresh latents.
        latents: The same with every setting; wins over `num_latents`.
        seed: Seed of fresh latents.
        max_pixels: Pixel budget of one image, default: the run's or the checkpoint's own.
        method: The arm a checkpoint will be trained as; a run folder knows its own.
        dtype: `float32`, `bfloat16`, or `auto`: a run's own, else bfloat16 on a GPU that has it.
        device: Default: a GPU if there is one.
        trust_remote_code: Run code that the checkpoint brings. Your explicit choice every time:
            what a run folder says about it does not count.
        load_in_4bit: Keep the language model's frozen weights in four bits. A run trained so is
            loaded on the unquantised checkpoint otherwise, as `livr export` merges it.

    Raises:
        ConfigError: An argument is wrong, or four bits cannot work on this machine.
        ModelError: It does not exist, cannot be loaded, or is an export that shall get latents.
        UnsupportedModelError: Its architecture lets the image past the bottleneck.
    """
    if load_in_4bit:
        need_four_bit()
    where, wanted = _device(device), _asked(source, latents, num_latents, max_pixels, dtype)
    run = _run_config(Path(source))
    origin = str(source) if run is None else run.model
    if run is not None:
        max_pixels = run.max_pixels if max_pixels is None else max_pixels
        dtype = run.precision if dtype == "auto" else dtype
    path = _checkpoint(origin, None if run is None else Path(source))
    trust = trust_remote_code
    kind = _dtype(dtype, where)
    hf = load_backbone(path, kind, where, trust_remote_code=trust, four_bit=load_in_4bit)
    family = family_of(hf.config.model_type)
    processor = load_processor(path, max_pixels, family=family, trust_remote_code=trust)
    method = method if run is None else run.method
    model = model_class(method)(hf, processor, origin, max_pixels)
    if not family.known:
        refuse_leak(model)
    if known_latents(model.tokenizer):
        model = _as_export(model, method)
    if run is not None:
        load_adapter(model, Path(source) / "adapter")
    if wanted is not None:
        model.add_latents(wanted, seed)
    return model


def _asked(
    source: object,
    latents: LatentsConfig | None,
    num: int | None,
    max_pixels: int | None,
    dtype: str,
) -> LatentsConfig | None:
    """The latents that `load` shall add, if any; its other arguments are looked at, too.

    Raises:
        ConfigError: One of them is wrong.
    """
    if not isinstance(source, str | os.PathLike):
        raise ConfigError(f"{source!r} names no model; give a hub id, a folder, or 'mini'")
    if dtype != "auto" and dtype not in DTYPES:
        raise ConfigError(f"dtype={dtype!r}: choose one of auto, {', '.join(DTYPES)}")
    if max_pixels is not None and max_pixels < 1:
        raise ConfigError(f"max_pixels={max_pixels}: give 1 or more, or leave it out")
    if latents is not None or not num:
        return latents
    return build(LatentsConfig, {"num": num}, f"num_latents={num}")


def _device(named: str | torch.device | None) -> torch.device:
    if named is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(named)
        torch.empty(0, device=where)  # A device that exists elsewhere is noticed only here.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"device={str(named)!r} cannot be used here: {reason}. Give 'cpu' or 'cuda', or leave "
            "it out"
        ) from error
    return where


def _as_export(model: Model, method: str | None) -> ExportedModel:
    exported = ExportedModel(model.hf, model.processor, model.source, model.max_pixels)
    exported.refuse_method(method)
    return exported


def model_class(method: str | None) -> type[Model]:
    """`Model`, or what an arm with its own way of answering puts in its place."""
    arm = VARIANTS.get(method or "")
    if arm is None or arm.home is None:
        return Model
    own: type[Model] = import_module(arm.home).MODEL
    return own


def _run_config(folder: Path) -> TrainConfig | None:
    """The settings of a run, or None if `folder` is not one."""
    file = folder / "config.yaml"
    if not file.is_file():
        return None
    settings = read_settings(file)
    if not (folder / "adapter").is_dir():
        raise ModelError(
            f"{folder} is a run that has not finished; continue it with livr train ... --resume"
        )
    return settings


def _checkpoint(name: str, run: Path | None) -> str:
    """Folder or hub id of a model; `run` is the folder of the run that was trained on it."""
    path = str(checkpoint_dir(name)) if name in EMBEDDED else name
    if run is not None:
        try:
            must_look_like_a_checkpoint(path)
        except ModelError as error:
            raise base_is_gone(run, path) from error
    return path


def read_settings(file: Path) -> TrainConfig:
    """The settings that a run was trained with.

    Raises:
        ModelError: They cannot be read, or one is wrong.
    """
    try:
        return build(TrainConfig, read_yaml(file, "settings of the run"), str(file))
    except ConfigError as error:
        raise ModelError(f"{error}\nMend the file, or copy the run again") from error


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name != "auto":
        return DTYPES[name]
    return torch.bfloat16 if device.type == "cuda" and has_bfloat16() else torch.float32
