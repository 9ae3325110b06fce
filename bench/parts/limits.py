"""What a step, a prompt and a word must cost: operations, bytes, and the limit of a GPU.

Built on `livr.train.estimate`, the model of `livr train --dry-run`, which counts a step of plain
causal attention. Here are the attention of stage 1, answering, and keys and values. One example has
I image positions, M before the last of them that are no image, L up to the last latent, K latents,
T in all, A of them answer. H: width of all heads together; W: weights of the decoder; V D: of the
output; R: bytes of keys and values of one position.

    attention   2 S H operations per layer, S depending on how the rule is evaluated:
                  causal   T^2
                  pieces   (T - I)^2 + (I + M)^2 + 2 K L
                  mask     2 T^2
                Three times in a step, once in a prompt.
    prompt      2 W T, attention, and 2 V D for its last position
    word        2 (W + V D) and 4 T H per layer
    R           2 layers x heads of keys x width of a head x bytes of a number
    memory      R T with the image, R (T - I) compressed
    moved       a word reads all weights and its row's keys and values; a step reads all weights
                twice; pieces gather queries, keys and values, and put results back
    time        the largest of operations over MFU x peak, bytes over bandwidth, and launching
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from torch import nn
from transformers import Qwen2_5_VLConfig, Qwen3VLConfig

from livr.backbones.backbone import empty_model
from livr.config import LoraConfig
from livr.method.roles import Role
from livr.model.batch import Batch
from livr.train import estimate
from livr.train.estimate import Gpu, Sizes

How = Literal["causal", "pieces", "mask"]


@dataclass(frozen=True)
class Lengths:
    """The positions of one example; see the legend above."""

    total: int
    image: int
    markers: int
    latents: int
    seen: int
    answer: int

    @staticmethod
    def of(batch: Batch) -> Lengths:
        """Those of a batch of equal examples without padding."""
        roles: list[int] = batch.roles_BT[0].tolist()
        last_image = max(i for i, role in enumerate(roles) if role == Role.IMAGE)
        latents = [i for i, role in enumerate(roles) if role == Role.LATENT]
        image = roles.count(Role.IMAGE)
        return Lengths(
            total=len(roles),
            image=image,
            markers=last_image + 1 - image,
            latents=len(latents),
            seen=max(latents, default=-1) + 1,
            answer=roles.count(Role.ANSWER),
        )


@dataclass(frozen=True)
class Shape:
    """A model without its weights.

    Attributes:
        size: Numbers of weights.
        kv_width: Width of all heads of keys of a layer together.
    """

    size: Sizes
    kv_width: int

    @staticmethod
    def of(hf: Any, trainable: int) -> Shape:
        """That of a model, which may be on the meta device."""
        text = hf.config.get_text_config(decoder=True)
        head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        size = estimate.sizes(hf, trainable, tuned=False)
        return Shape(size, int(text.num_key_value_heads) * int(head))


def squares(n: Lengths, how: How, halved: bool = True) -> int:
    """S. Where attention is made of matrix products (`halved` false), causal squares are whole."""
    whole = 1 if halved else 2
    return {
        "causal": whole * n.total**2,
        "pieces": whole * ((n.total - n.image) ** 2 + (n.image + n.markers) ** 2)
        + 2 * n.latents * n.seen,
        "mask": 2 * n.total**2,
    }[how]


def step_flops(shape: Shape, n: Lengths, how: How, halved: bool = True) -> float:
    """Operations of forward and backward of one example."""
    plain = estimate.step_flops(shape.size, n.total, n.answer, checkpointing=False)
    more = squares(n, how, halved) - n.total**2
    return plain + 3 * 2 * more * shape.size.width * shape.size.layers


def prompt_flops(shape: Shape, n: Lengths, how: How, halved: bool = True) -> float:
    """Operations of reading a prompt of T positions and scoring the first word."""
    size = shape.size
    attention = 2 * squares(n, how, halved) * size.width * size.layers
    return 2 * size.decoder * n.total + attention + 2 * size.output


def word_flops(shape: Shape, keys: int) -> float:
    """Operations of one further word that looks at `keys` positions, itself among them."""
    size = shape.size
    return 2 * (size.decoder + size.output) + 4 * keys * size.width * size.layers


def kv_bytes(shape: Shape, positions: int, number: int) -> int:
    """Keys and values of so many positions, `number` bytes for a number."""
    return 2 * shape.size.layers * shape.kv_width * positions * number


def gathered_bytes(shape: Shape, n: Lengths, number: int) -> int:
    """What evaluation by pieces copies in a step, forward and backward: read and written.

    At most: where no row of a batch is padded, latents, image and what they look at are slices.
    """
    rows = (n.total - n.image) + (n.image + n.markers) + n.latents
    keys = (n.total - n.image) + (n.image + n.markers) + n.seen
    # Queries in, results joined, results put back; keys and values in.
    numbers = (2 * rows + n.total) * shape.size.width + 2 * keys * shape.kv_width
    return 2 * 2 * numbers * shape.size.layers * number


def word_seconds(gpu: Gpu, shape: Shape, positions: int, batch: int) -> tuple[float, str]:
    """Seconds of one word of every row of a batch, and what sets the limit."""
    size = shape.size
    read = 2 * (size.decoder + size.output) + batch * kv_bytes(shape, positions, 2)
    return _slowest(gpu, size, batch * word_flops(shape, positions), read)


def step_seconds(gpu: Gpu, shape: Shape, n: Lengths, how: How, batch: int) -> tuple[float, str]:
    """Seconds per example of forward and backward over `batch` examples, and the limit."""
    flops = step_flops(shape, n, how)
    seconds = estimate.step_seconds(gpu, shape.size, flops, batch)
    read = 2 * 2 * shape.size.total
    limit = _slowest(gpu, shape.size, batch * flops, read, passes=3)[1]
    moved = gathered_bytes(shape, n, 2) / gpu.bandwidth if how == "pieces" else 0.0
    return seconds + moved, limit


def _slowest(
    gpu: Gpu, size: Sizes, flops: float, moved: float, passes: int = 1
) -> tuple[float, str]:
    """The largest of three times; a step has three passes over the layers' kernels."""
    launch = size.layers * estimate.KERNELS_PER_LAYER * estimate.LAUNCH_SECONDS * passes / 3
    times = {
        "operations": flops / (estimate.MFU * gpu.flops),
        "memory": moved / gpu.bandwidth,
        "launching": launch,
    }
    limit = max(times, key=times.__getitem__)
    return times[limit], limit


def real_shapes(latents: int = 16) -> Mapping[str, Shape]:
    """The backbones of the paper, from their published configurations, with LoRA and latents."""
    qwen3 = Qwen3VLConfig(
        text_config=_text(2560, 9728, 32, 8) | {"head_dim": 128},
        vision_config=_vision(24, 1024, 4096, 16, 2560) | {"deepstack_visual_indexes": [5, 11, 17]},
        tie_word_embeddings=True,
    )
    qwen25 = Qwen2_5_VLConfig(
        text_config=_text(2048, 11008, 16, 2),
        vision_config=_vision(32, 1280, 3420, 14, 2048),
        tie_word_embeddings=True,
    )
    found = {}
    for name, config in (("Qwen2.5-VL-3B", qwen25), ("Qwen3-VL-4B", qwen3)):
        hf = empty_model(config)
        linear = [m for m in hf.get_decoder().modules() if isinstance(m, nn.Linear)]
        lora = LoraConfig().r * sum(m.in_features + m.out_features for m in linear)
        rows = latents * config.get_text_config().hidden_size
        found[name] = Shape.of(hf, lora + rows)
    return MappingProxyType(found)


def _text(width: int, mlp: int, heads: int, kv_heads: int) -> dict[str, Any]:
    return {
        "vocab_size": 151_936,
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_hidden_layers": 36,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "tie_word_embeddings": True,
    }


def _vision(depth: int, width: int, mlp: int, patch: int, out: int) -> dict[str, Any]:
    return {
        "depth": depth,
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_heads": 16,
        "patch_size": patch,
        "out_hidden_size": out,
    }
