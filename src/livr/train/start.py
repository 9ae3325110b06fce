"""The model that a run starts from: loaded as the settings say, or loaded before, and followed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch

from livr.config import LatentsConfig, Settings, TrainConfig, build, parse_override
from livr.errors import ConfigError
from livr.model.adapter import is_trained
from livr.model.load import load
from livr.model.model import Model
from livr.train import processes

_IN_TRAINING = ("noise", "elastic")
"""Settings of the latents that say how they train, not what they are."""

_AS_WORDS = " (with method sft if it has latents: in an export they are words like any other)"


def load_base(config: TrainConfig) -> Model:
    """The checkpoint of a run, as its settings say.

    Raises:
        ModelError: It cannot be loaded.
    """
    return load(
        config.model,
        method=config.method,
        max_pixels=config.max_pixels,
        dtype=config.precision,
        trust_remote_code=config.trust_remote_code,
        load_in_4bit=config.load_in_4bit,
    )


def refuse_run(source: str) -> None:
    """Refuse to train on top of a run: the new one would not say what it was trained from.

    Args:
        source: What `livr.load` takes.

    Raises:
        ConfigError: It is a run folder.
    """
    if (Path(source) / "config.yaml").is_file():
        raise ConfigError(
            f"{source} is a run, and a run trains a checkpoint. Export it first: "
            f"livr export {source} --out DIR, then train on DIR{_AS_WORDS}"
        )


def refuse_trained(model: Model) -> None:
    """Refuse a model that is no longer the checkpoint that the new run would name.

    Raises:
        ConfigError: It comes from a run, was trained before, or carries LoRA or tuned layers.
    """
    if is_trained(model):
        raise ConfigError(
            f"this model was loaded from a run, or trained before, on top of {model.source}; a run "
            "trains a checkpoint as it is. For another run load it again: "
            f"livr.load({model.source!r}). To train on from a run, export it first: "
            f"livr export RUN --out DIR, then train on DIR{_AS_WORDS}"
        )


def follow(config: TrainConfig, model: Model, asked: Collection[str] | None = None) -> TrainConfig:
    """The settings of a run on a loaded model: with what it was loaded with in their place.

    A run folder then says what was trained, and is evaluated as just that.

    Args:
        config: The settings.
        model: The model.
        asked: Names like `latents.num` of settings that must not be replaced, where they name a
            value; default: all that `config` was made with.

    Raises:
        ConfigError: The model contradicts a setting that was asked for, or its precision is none
            that a run can have.
    """
    asked = _given(config) if asked is None else asked
    values = config.model_dump()
    clashes = []
    for name, has in _loaded_with(model).items():
        *place, last = name.split(".")
        inside = values[place[0]] if place else values
        wanted = inside[last]
        if name in asked and _differs(name, wanted, has):
            clashes.append(f"{name}={wanted}, but the model has {has}")
        inside[last] = has
    if model.latents is not None:
        for last in _IN_TRAINING:
            if f"latents.{last}" not in asked:
                values["latents"][last] = getattr(model.latents.config, last)
    if clashes:
        raise ConfigError(
            f"the settings do not fit the loaded model: {'; '.join(clashes)}. Leave them out, or "
            "load the model with them (livr.load takes num_latents or latents, max_pixels, dtype "
            "and load_in_4bit)"
        )
    return build(TrainConfig, values, "the loaded model with these settings")


def named(settings: Sequence[str]) -> set[str]:
    """Names of the settings in `a.b=c` texts.

    >>> sorted(named(["latents={num: 4}", "optim.lr=1e-3"]))
    ['latents', 'latents.num', 'optim.lr']
    """
    names = set()
    for text in settings:
        keys, value = parse_override(text)
        names.add(".".join(keys))
        if isinstance(value, dict):
            names |= {".".join([*keys, str(inner)]) for inner in value}
    return names


def as_loaded(config: TrainConfig, model: Model) -> TrainConfig:
    """The settings with the precision that `auto` came to mean on this machine.

    The run is asked and resumed in it wherever it is opened.
    """
    return config.model_copy(update={"dtype": _loaded_with(model)["dtype"]})


def refuse_elsewhere(model: Model) -> None:
    """Refuse a loaded model that is not where the trainer would train it.

    Raises:
        ConfigError: It is on another device; the trainer takes the first GPU it sees, if any.
    """
    here, there = model.hf.device, torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if processes.join() > 1 or (here.type, here.index or 0) == (there.type, there.index or 0):
        return
    raise ConfigError(
        f"the model is on {here}, but training takes place on {there}. To choose a GPU, start "
        "Python with CUDA_VISIBLE_DEVICES=1 (or another number), to train without one with "
        "CUDA_VISIBLE_DEVICES= , and load the model without a device"
    )


def _given(settings: Settings) -> set[str]:
    """Names of all settings that were given a value."""
    names = set()
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        inner = _given(value) if isinstance(value, Settings) else set()
        names |= {f"{name}.{n}" for n in inner} or {name}
    return names


def _loaded_with(model: Model) -> dict[str, Any]:
    """What a loaded model is, as settings."""
    four_bit = bool(getattr(model.hf, "is_loaded_in_4bit", False))
    kind = model.hf.dtype
    if four_bit:
        kind = model.hf.config.quantization_config.bnb_4bit_compute_dtype
    found = {
        "model": model.source,
        "max_pixels": model.max_pixels,
        "dtype": str(kind).removeprefix("torch."),
        "load_in_4bit": four_bit,
    }
    if model.latents is not None:
        own = model.latents.config
        baked = [name for name in LatentsConfig.model_fields if name not in _IN_TRAINING]
        found |= {f"latents.{name}": getattr(own, name) for name in baked}
    return found


def _differs(name: str, wanted: Any, has: Any) -> bool:
    """Whether a setting asks for something else; None and auto ask for nothing."""
    if name == "model":
        return Path(wanted).resolve() != Path(has).resolve()
    return wanted not in (None, "auto") and wanted != has
