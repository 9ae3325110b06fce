"""A real language model behind the embedded vision tower, a rung between mini and a 4B model.

The result is an ordinary checkpoint of transformers' own Qwen2-VL. Its decoder computes what a
Llama computes once the biases of its attention are zero, and text has equal positions on all three
rotary axes, so a Llama's weights are taken over exactly. Its tower has the blocks of the embedded
one, but no table of positions and no deepstack, so it takes the tower's lesson once more.
Source: ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from livr.mini import checkpoint_dir
from livr.mini.build import write_card
from livr.mini.cells import MARKS, OBJECTS, PARTS
from livr.mini.decoder import read_decoder, with_pictures
from livr.mini.dense import DenseLessons
from livr.mini.figures import COLORS
from livr.mini.folder import save_checkpoint
from livr.mini.phases import GRAFTED
from livr.mini.pretrain import SPARE_ROWS, Report, pretrain
from livr.mini.recipe import PretrainConfig
from livr.mini.shape import MiniShape, picture_tokens, shape, vision_config
from livr.mini.skills.base import POSITIONS
from livr.mini.skills.single import PHOTO_KINDS
from livr.mini.steps import in_order
from livr.mini.styles import STYLES
from livr.mini.tokenizer import special_ids
from livr.mini.tower import train_tower
from livr.repeatable import repeatable

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, Qwen2VLForConditionalGeneration

WORDED: Mapping[str, Iterable[str]] = {
    "place": POSITIONS,
    "object": OBJECTS,
    "color": COLORS,
    "part": PARTS,
    "mark": MARKS,
    "photo": PHOTO_KINDS,
    "style": STYLES,
}
"""The place of a cell, and its first labels (`livr.mini.cells.CLASSES`), all of them words."""
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
        "lr": 5e-4,
        "muon_lr": None,
        "weight_decay": 0.0,
        "bfloat16": True,
    }
    return PretrainConfig(**settings | changed)


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


@torch.no_grad()
def word_directions(model: Any, tokenizer: PreTrainedTokenizerFast) -> Tensor:
    """Where the decoder has the words for what lies in a cell, (W, D), each of length 1.

    A position of the tower is to be the sum of its words, as if they had been written there.
    """
    table_VD = model.get_input_embeddings().weight
    mean_D = table_VD.mean(0)
    rows = [
        table_VD[tokenizer(f" {word}", add_special_tokens=False).input_ids].mean(0) - mean_D
        for name in WORDED
        for word in WORDED[name]
    ]
    return normalize(torch.stack(rows), dim=1)


@torch.no_grad()
def as_words(model: Any, numbers: MiniShape, seed: int) -> None:
    """Give the positions of pictures the mean and the spread of embedded words.

    The lesson reads directions only; the decoder's first layers also see where they start from
    and how long they are.
    """
    # Rendered in a process of its own: rendering here would leave the decoder one thread.
    batch = next(in_order(DenseLessons(numbers, seed), 0, 1))
    seen_ND = model.model.visual(batch.pixels, grid_thw=batch.grids).pooler_output
    words_VD = model.get_input_embeddings().weight
    ours_D, theirs_D = seen_ND.mean(0), words_VD.mean(0)
    factor = (words_VD - theirs_D).norm() / len(words_VD) ** 0.5
    factor /= (seen_ND - ours_D).norm() / len(seen_ND) ** 0.5
    last = model.model.visual.merger.mlp[2]
    last.weight *= factor
    last.bias.copy_(factor * (last.bias - ours_D) + theirs_D)


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
        **picture_tokens(ids),
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
        lesson["words_WD"] = word_directions(model, tokenizer)
        train_tower(model, numbers, config.seed, config.tower_steps, start.parent, **lesson)
        as_words(model, numbers, config.seed)
        save_checkpoint(model, tokenizer, numbers, start)
    folder = pretrain(config, out, on_step=on_step, workers=workers)
    write_card(folder, config, probe_steps, name=f"{config.size} tower, {decoder.stem}")
    return folder
