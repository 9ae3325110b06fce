"""What a run trained, as files: LoRA in peft's format, the latents' rows, nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig as PeftLoraConfig
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor

from livr.backbones.backbone import WEIGHTS_FAIL, decoder_prefix, lora_targets
from livr.backbones.hub import commit_of, warn_of_another_commit
from livr.config import LatentsConfig, LoraConfig, build
from livr.errors import ConfigError, ModelError
from livr.model.model import Model

ADAPTER = "default"
_LORA = "adapter_model.safetensors"
_LORA_SETTINGS = "adapter_config.json"
_LATENTS = "latents.safetensors"
_DECODER = "decoder.safetensors"
_ABOUT = "livr.json"
_TUNES = ("lora", "full", "rows")
_LORA_WEIGHT = ".lora_"
_TRAINED = "_livr_trained"


def add_lora(model: Model, config: LoraConfig) -> None:
    """Put LoRA on every linear layer of the language model; they alone train, in fp32."""
    peft_config = PeftLoraConfig(
        r=config.r,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=lora_targets(model.hf),
        task_type="CAUSAL_LM",
        base_model_name_or_path=model.source,
    )
    model.hf.add_adapter(peft_config, ADAPTER)
    _make_precise(model)
    for name, weight in model.hf.named_parameters():
        weight.requires_grad_(_LORA_WEIGHT in name)


def _make_precise(model: Model) -> None:
    """Keep LoRA in float32: peft makes it in the precision of the layer it is put on."""
    for name, weight in model.hf.named_parameters():
        if _LORA_WEIGHT in name:
            weight.data = weight.data.float()


def has_lora(model: Model) -> bool:
    """Whether `add_lora` was called."""
    return bool(getattr(model.hf, "_hf_peft_config_loaded", False))


def mark_trained(model: Model) -> None:
    """Note that the model is no longer the checkpoint it was loaded from."""
    setattr(model.hf, _TRAINED, True)


def is_trained(model: Model) -> bool:
    """Whether the model differs from its checkpoint: it is a run's, or was given to a training."""
    tuned = any(weight.requires_grad for weight in model.hf.parameters())
    return tuned or has_lora(model) or bool(getattr(model.hf, _TRAINED, False))


def train_decoder(model: Model) -> None:
    """Let the whole language model train, its embedding excepted (METHOD section 2, Mirage)."""
    for weight in model.hf.get_decoder().parameters():
        weight.requires_grad_(True)
    model.hf.get_input_embeddings().requires_grad_(False)


def decoder_state(hf: Any) -> dict[str, Tensor]:
    """What `train_decoder` lets train, by name."""
    prefix = decoder_prefix(hf)
    embedding = hf.get_input_embeddings().weight
    return {
        name: weight.detach().contiguous()
        for name, weight in hf.named_parameters()
        if name.startswith(prefix + ".") and weight is not embedding
    }


def _lora_state(hf: Any) -> dict[str, Tensor]:
    """LoRA's weights under peft's names; the latents' rows are kept in a file of their own.

    Left to itself peft asks the hub, at every call, whether the embedding has grown.
    """
    state: dict[str, Tensor] = get_peft_model_state_dict(
        hf, adapter_name=ADAPTER, save_embedding_layers=False
    )
    return state


def save_adapter(model: Model, folder: Path) -> None:
    """Write what was trained to `folder`, all of it or nothing."""
    temporary = folder.with_name(folder.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    tuned = any(p.requires_grad for p in model.hf.parameters())
    tune = "lora" if has_lora(model) else "full" if tuned else "rows"
    about: dict[str, Any] = {"tune": tune, "latents": None, "repeats": model.encoder.repeats}
    about["base_commit"] = commit_of(model.hf)
    if tune == "lora":
        state = _lora_state(model.hf)
        save_file({k: v.detach().contiguous() for k, v in state.items()}, temporary / _LORA)
        model.hf.peft_config[ADAPTER].save_pretrained(temporary)
    elif tune == "full":
        save_file(decoder_state(model.hf), temporary / _DECODER)
    if model.latents is not None:
        save_file({"rows": model.latents.rows.detach().contiguous()}, temporary / _LATENTS)
        about["latents"] = model.latents.config.model_dump()
        about["first_latent_id"] = model.latents.first_id
    (temporary / _ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors in a file of a run, by name.

    Raises:
        ModelError: The file is missing or damaged.
    """
    if not file.is_file():
        raise ModelError(f"{file} is missing; copy the run again")
    try:
        weights: dict[str, Tensor] = load_file(file)
    except WEIGHTS_FAIL as error:
        raise ModelError(f"{file} cannot be read: {error}; copy the run again") from error
    return weights


def read_lora_settings(folder: Path) -> PeftLoraConfig:
    """The settings of a saved adapter's LoRA, as peft has them.

    Raises:
        ModelError: The file that holds them is missing or damaged.
    """
    file = folder / _LORA_SETTINGS
    # Without the file peft would ask the hub for a model that is called like the folder.
    if not file.is_file():
        raise ModelError(f"{file} is missing; copy the run again")
    try:
        return PeftLoraConfig.from_pretrained(str(folder))
    except (*WEIGHTS_FAIL, TypeError) as error:  # TypeError: the settings are no object
        raise ModelError(f"{file}: cannot load the adapter: {error}; copy the run again") from error


def must_fit(file: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Refuse a file of weights that lacks some, has some too many, or some of another shape.

    Args:
        file: The file, for the message.
        found: Its weights by name.
        wanted: Weights of the names and shapes that it must have.

    Raises:
        ModelError: With the first of them.
    """
    if strange := sorted(found.keys() - wanted.keys()):
        raise ModelError(f"{file}: weights for layers the backbone does not have ({strange[0]})")
    if missing := sorted(wanted.keys() - found.keys()):
        raise ModelError(
            f"{file} is damaged: {len(missing)} of {len(wanted)} weights are missing "
            f"({missing[0]}); copy the run again"
        )
    for name in sorted(found):
        has, must = tuple(found[name].shape), tuple(wanted[name].shape)
        if has != must:
            raise ModelError(
                f"{file} does not fit: {name} has the shape {has}, expected {must}; copy the run "
                "again, and see that its model is the one it was trained on"
            )


def read_about(folder: Path) -> dict[str, Any]:
    """How a saved adapter is made up: `tune`, `repeats`, `latents` (their settings or None),
    `first_latent_id` and `base_commit` (of a base model on the hub, or None).

    Raises:
        ModelError: The file that says so is missing or damaged.
    """
    file = folder / _ABOUT
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}; copy the run again") from error
    damaged = ModelError(f"{file} does not say how the adapter is made up; copy the run again")
    if not isinstance(about, dict) or about.get("tune") not in _TUNES or "latents" not in about:
        raise damaged
    if about["latents"] is not None:
        try:
            about["latents"] = build(LatentsConfig, about["latents"], f"{file}, latents")
        except ConfigError as error:
            raise ModelError(f"{error}\nThe file is damaged; copy the run again") from error
        if not isinstance(about.get("first_latent_id"), int):
            raise damaged
    return about


def load_adapter(model: Model, folder: Path) -> None:
    """Put a saved adapter on a freshly loaded backbone; LoRA stays float32, as it was trained.

    Raises:
        ModelError: Files are missing, damaged, or do not fit the backbone.
    """
    about = read_about(folder)
    warn_of_another_commit(model.hf, model.source, folder, about.get("base_commit"))
    try:
        if about["latents"] is not None:
            latents = model.add_latents(about["latents"], seed=0)
            if latents.first_id != about["first_latent_id"]:
                raise ModelError(
                    f"{folder}: its backbone's tokenizer is not the one it was trained on"
                )
            rows = read_weights(folder / _LATENTS)
            must_fit(folder / _LATENTS, rows, dict(latents.named_parameters()))
            latents.load_state_dict(rows)
        model.encoder.repeats = about.get("repeats", False)
        if about["tune"] == "lora":
            model.hf.add_adapter(read_lora_settings(folder), ADAPTER)
            # Before the weights come: in bfloat16 they would be rounded.
            _make_precise(model)
            model.hf.requires_grad_(False)
            state = read_weights(folder / _LORA)
            must_fit(folder / _LORA, state, _lora_state(model.hf))
            set_peft_model_state_dict(model.hf, state, ADAPTER)
        elif about["tune"] == "full":
            state = read_weights(folder / _DECODER)
            must_fit(folder / _DECODER, state, decoder_state(model.hf))
            model.hf.load_state_dict(state, strict=False)
    except (*WEIGHTS_FAIL, TypeError) as error:  # TypeError: settings of LoRA that are no numbers
        raise ModelError(
            f"{folder}: cannot load the adapter: {error}; copy the run again"
        ) from error
    mark_trained(model)
    model.hf.eval()
