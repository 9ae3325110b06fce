"""One adapter for every family that transformers knows: where the parts of a model are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForImageTextToText

from livr.errors import ModelError, UnsupportedModelError
from livr.method import attention

LEAKY_LAYERS = {"linear_attention", "conv", "mamba", "recurrent", "ssm"}
"""Layers that mix positions outside attention, where no mask can hold the image back."""


def load_backbone(source: str, dtype: torch.dtype | str = "auto") -> Any:
    """A vision-language model ready for the rule: every weight frozen, evaluation mode.

    Args:
        source: Hub id or checkpoint folder.
        dtype: A torch dtype or "auto" (as stored in the checkpoint).

    Returns:
        The transformers model, its decoder switched to the attention "livr".

    Raises:
        ModelError: Not a vision-language checkpoint, or it cannot be read.
        UnsupportedModelError: The architecture lets the image past any attention mask.
    """
    _must_look_like_a_checkpoint(source)
    try:
        config = AutoConfig.from_pretrained(source)
        _refuse_leaky_layers(config, source)
        hf = AutoModelForImageTextToText.from_pretrained(source, dtype=dtype)
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = next((ln for ln in str(error).splitlines() if ln.strip()), type(error).__name__)
        raise ModelError(f"cannot load {source} as a vision-language model: {reason}") from error
    if getattr(hf.config, "image_token_id", None) is None:
        raise UnsupportedModelError(
            f"{source}: its config has no image_token_id, so images do not enter as tokens "
            "(cross-attention?); the bottleneck cannot be applied to it"
        )
    hf.requires_grad_(False)
    attention.install(hf.get_decoder())
    return hf.eval()


def _must_look_like_a_checkpoint(source: str) -> None:
    folder = Path(source)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{source} is a folder but holds neither config.json (a checkpoint) "
                "nor config.yaml (a run of livr train)"
            )
    elif folder.is_absolute() or source.startswith(".") or source.count("/") != 1:
        raise ModelError(f"{source}: no such folder, and a hub id has the form owner/name")


def _refuse_leaky_layers(config: Any, source: str) -> None:
    text = config.get_text_config(decoder=True)
    kinds = set(getattr(text, "layer_types", None) or ())
    leaky = sorted(kinds & LEAKY_LAYERS)
    if leaky or getattr(text, "conv_L_cache", None):
        raise UnsupportedModelError(
            f"{source}: its language model has {', '.join(leaky) or 'convolution'} layers, which "
            "carry the image past any attention mask; LIVR needs attention in every layer"
        )


def decoder_prefix(hf: nn.Module) -> str:
    """Dotted name of the language model inside `hf`, for instance `model.language_model`."""
    decoder = hf.get_decoder()  # type: ignore[operator]
    names = (name for name, module in hf.named_modules() if module is decoder)
    return str(next(names))


def lora_targets(hf: nn.Module) -> str:
    """A regular expression for every linear layer of the language model and nothing else.

    Source: appendix B (attention and MLP projections of the language backbone).
    """
    decoder = hf.get_decoder()  # type: ignore[operator]
    leaves = {n.rsplit(".", 1)[-1] for n, m in decoder.named_modules() if isinstance(m, nn.Linear)}
    prefix = re.escape(decoder_prefix(hf))
    return rf"{prefix}\..*\.({'|'.join(sorted(map(re.escape, leaves)))})"


def encode_images(hf: Any, inputs: Mapping[str, Tensor]) -> Any:
    """Features of all images of a batch, as the model's own encoder gives them.

    Args:
        hf: The model.
        inputs: What the processor made of the images (`pixel_values`, `image_grid_thw`, ...).

    Returns:
        The encoder's output object, to be passed on as `mm_encoder_outputs={"image": ...}`.
    """
    with torch.no_grad():
        return hf.base_model.get_image_features(**inputs, return_dict=True)
