"""One adapter for every family that transformers knows: where the parts of a model are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from peft import prepare_model_for_kbit_training
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    MODEL_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
)
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from livr.backbones.four_bit import four_bit_settings
from livr.backbones.hub import (
    at_revision,
    must_look_like_a_checkpoint,
    not_reached,
    remember_commit,
)
from livr.errors import ModelError, UnsupportedModelError
from livr.method import attention

LEAKY_LAYERS = {"linear_attention", "conv", "mamba", "recurrent", "ssm"}
"""Layers that mix positions outside attention, where no mask can hold the image back."""

WEIGHTS_FAIL = (OSError, KeyError, ValueError, RuntimeError, SafetensorError)
"""What is raised where weights are missing, damaged or of another shape."""
LOADING_FAILS = (*WEIGHTS_FAIL, ImportError, AttributeError)
"""What transformers and safetensors raise for a checkpoint that is damaged or of another kind."""


def load_backbone(
    source: str,
    dtype: torch.dtype,
    device: torch.device,
    *,
    trust_remote_code: bool = False,
    four_bit: bool = False,
) -> Any:
    """A vision-language model ready for the rule: every weight frozen, evaluation mode.

    Args:
        source: Checkpoint folder or hub id, with `@revision` behind it if another than the newest.
        dtype: Precision of the weights.
        device: Where the model goes.
        trust_remote_code: Whether code inside the checkpoint may run.
        four_bit: Keep the decoder's linear layers in four bits, all else in float32, and compute
            in `dtype`.

    Returns:
        The transformers model, its decoder switched to the attention "livr".

    Raises:
        ModelError: Not a vision-language checkpoint, or it cannot be read.
        UnsupportedModelError: The architecture lets the image past any attention mask.
    """
    must_look_like_a_checkpoint(source)
    name, at = at_revision(source)
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code, **at)
        refuse_leaky(config, source)
        options: dict[str, Any] = {"dtype": dtype, "trust_remote_code": trust_remote_code}
        if four_bit:
            empty = empty_model(config, trust_remote_code, at.get("revision"))
            options["quantization_config"] = four_bit_settings(empty, dtype)
            options["device_map"] = {"": device}
        kind = auto_class(own_code(config, trust_remote_code))
        hf, found = kind.from_pretrained(name, output_loading_info=True, **options, **at)
    except ModelError:
        raise
    except LOADING_FAILS as error:
        first = next((ln for ln in str(error).splitlines() if ln.strip()), type(error).__name__)
        reason = not_reached(source, error) or first
        if "trust_remote_code" in str(error):
            reason = "it brings its own code; read it, then allow it with --trust-remote-code"
        raise ModelError(f"cannot load {source} as a vision-language model: {reason}") from error
    _refuse_gaps(hf, found["missing_keys"], source)
    hf = prepare_model_for_kbit_training(hf, False) if four_bit else hf.to(device)
    hf.requires_grad_(False)
    attention.install(hf.get_decoder())
    remember_commit(hf, at)
    return hf.eval()


def _refuse_gaps(hf: Any, missing: Iterable[str], source: str) -> None:
    """transformers fills weights that a checkpoint lacks with random numbers, and only warns."""
    gaps = sorted(set(missing) & {name for name, _ in hf.named_parameters()})
    if gaps:
        shown = ", ".join(gaps[:3]) + (", ..." if len(gaps) > 3 else "")
        raise ModelError(
            f"{source} lacks {len(gaps)} of its model's weights ({shown}); "
            "get the whole checkpoint again"
        )


def empty_model(config: Any, trust_remote_code: bool = False, revision: str | None = None) -> Any:
    """The structure of a model without its weights, on the meta device."""
    own = own_code(config, trust_remote_code)
    kind = auto_class(own)
    code = own.get(kind.__name__, "--")
    with torch.device("meta"):
        # from_config would run the newest code; what has "--" in it is another repository's.
        if revision is not None and "--" not in code:
            name = config.name_or_path
            return get_class_from_dynamic_module(code, name, revision=revision)(config)
        return kind.from_config(config, trust_remote_code=trust_remote_code)


def own_code(config: Any, trusted: bool) -> Mapping[str, str]:
    """Classes that a checkpoint brings itself, by auto class; none where they may not run."""
    named: Mapping[str, str] = getattr(config, "auto_map", None) or {}
    return named if trusted else {}


def auto_class(own: Mapping[str, str]) -> Any:
    """The auto class of a model; with code of its own it may be filed under text generation only.

    Args:
        own: The classes it brings itself, by auto class.
    """
    if "AutoModelForCausalLM" in own and "AutoModelForImageTextToText" not in own:
        return AutoModelForCausalLM
    return AutoModelForImageTextToText


def refuse_leaky(config: Any, source: str) -> None:
    """Refuse architectures in which no attention mask can hold the image back.

    Raises:
        UnsupportedModelError: With the reason.
    """
    text = config.get_text_config(decoder=True)
    leaky = sorted(set(getattr(text, "layer_types", None) or ()) & LEAKY_LAYERS)
    if getattr(text, "conv_L_cache", None) and "conv" not in leaky:
        leaky.append("conv")
    reason = None
    if leaky:
        reason = (
            f"its language model has {', '.join(leaky)} layers, which carry the image past any "
            "attention mask; LIVR needs attention in every layer"
        )
    elif getattr(text, "cross_attention_layers", None):
        reason = (
            "its language model reads images through cross-attention layers, not as tokens of "
            "the sequence; the bottleneck is a rule about tokens"
        )
    elif getattr(config, "is_encoder_decoder", False):
        reason = "it is an encoder-decoder model; LIVR needs one causal sequence"
    elif getattr(text, "attn_logit_softcapping", None):
        reason = (
            "its attention caps logits (attn_logit_softcapping), which the attention that "
            "carries the rule does not compute"
        )
    elif not getattr(MODEL_MAPPING.get(type(text), None), "_supports_sdpa", True):
        reason = (
            "its language model has an attention of its own (such as one with sinks), which "
            "scaled dot product attention, the one that carries the rule, does not compute"
        )
    elif getattr(config, "image_token_id", None) is None:
        reason = (
            "its config has no image_token_id, so images do not enter as tokens; the bottleneck "
            "is a rule about tokens"
        )
    if reason is not None:
        raise UnsupportedModelError(f"{source}: {reason}")


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


def types_argument(hf: Any) -> str | None:
    """The argument of the model's forward that takes token types, if there is one."""
    known = inspect.signature(type(hf).forward).parameters
    return next((n for n in ("token_type_ids", "mm_token_type_ids") if n in known), None)


def logits_where(hf: Any, inputs: Mapping[str, Any], keep_BT: Tensor) -> Tensor:
    """(N, V) logits at the N positions marked in `keep_BT`."""
    if type(hf).__module__.startswith("transformers."):
        kept = hf(**inputs, logits_to_keep=keep_BT, use_cache=False)
        return kept.logits  # type: ignore[no-any-return]
    # The code of a checkpoint may know logits_to_keep as a number only.
    return hf(**inputs, use_cache=False).logits[keep_BT]  # type: ignore[no-any-return]


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
