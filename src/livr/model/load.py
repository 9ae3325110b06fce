"""One way in for every model: hub id, checkpoint folder, run folder, or `mini`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch
import yaml

from livr.backbones.backbone import load_backbone
from livr.backbones.family import family_of
from livr.backbones.four_bit import need_four_bit
from livr.backbones.processor import load_processor
from livr.config import LatentsConfig, TrainConfig, build
from livr.errors import ModelError
from livr.method.variants import VARIANTS
from livr.mini import EMBEDDED, checkpoint_dir
from livr.model.adapter import load_adapter
from livr.model.model import Model
from livr.model.probes import refuse_leak


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
        source: Hub id, checkpoint folder, run folder of `livr train`, or `mini`.
        num_latents: Add this many fresh latents.
        latents: The same with every setting; wins over `num_latents`.
        seed: Seed of fresh latents.
        max_pixels: Pixel budget of one image, default: the run's or the checkpoint's own.
        method: The arm a checkpoint will be trained as; a run folder knows its own.
        dtype: `auto`, `float32` or `bfloat16`. Auto is bfloat16 on a GPU that has it.
        device: Default: a GPU if there is one.
        trust_remote_code: Run code that the checkpoint brings. Your explicit choice every time:
            what a run folder says about it does not count.
        load_in_4bit: Keep the language model's frozen weights in four bits. A run trained so is
            loaded on the unquantised checkpoint otherwise, as `livr export` merges it.

    Raises:
        ConfigError: Four bits cannot work on this machine.
        ModelError: It does not exist or cannot be loaded.
        UnsupportedModelError: Its architecture lets the image past the bottleneck.
    """
    if load_in_4bit:
        need_four_bit()
    run = _run_config(Path(source))
    origin = str(source) if run is None else run.model
    if run is not None:
        max_pixels = run.max_pixels if max_pixels is None else max_pixels
    path = str(checkpoint_dir(origin)) if origin in EMBEDDED else origin
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    trust = trust_remote_code
    kind = _dtype(dtype, where)
    hf = load_backbone(path, kind, where, trust_remote_code=trust, four_bit=load_in_4bit)
    family = family_of(hf.config.model_type)
    processor = load_processor(path, max_pixels, family=family, trust_remote_code=trust)
    model = model_class(method if run is None else run.method)(hf, processor, origin, max_pixels)
    if not family.known:
        refuse_leak(model)
    if run is not None:
        load_adapter(model, Path(source) / "adapter")
    if latents is None and num_latents:
        latents = LatentsConfig(num=num_latents)
    if latents is not None:
        model.add_latents(latents, seed)
    return model


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
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ModelError(f"{file} is not a YAML file: {error}") from error
    if not (folder / "adapter").is_dir():
        raise ModelError(
            f"{folder} is a run that has not finished; continue it with livr train ... --resume"
        )
    return build(TrainConfig, values, str(file))


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
