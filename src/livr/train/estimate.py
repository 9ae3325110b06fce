"""What a run costs, from counts: floating-point operations, bytes, and a GPU's data sheet.

An estimate, not a measurement. The model, per example of T tokens, A of them answer:

    decoder      2 T W forward, as much again for the gradients of activations; a third time for
                 the gradients of weights where the weights themselves train; one more forward
                 with gradient checkpointing. W: weights of its linear layers.
    attention    2 T^2 H per layer forward (scores and values, causal half), three times in all
    output       4 A V D: scores are computed where the answer is, and nowhere else
    vision       2 P X once per image if features are kept, else once per epoch. P: patches
    time         the largest of operations over MFU x peak, bytes of weights over bandwidth, and
                 the time to launch the kernels, which rules small batches

    memory       weights in bfloat16, or with load_in_4bit the decoder's in four bits and all others
                 in fp32; 16 bytes per trainable number (fp32 value, gradient, two moments); what
                 autograd keeps, measured here for the longest example, and kept image features,
                 both scaled to the precision there; 1 GiB for the CUDA context; a tenth on top
    tune=full    everything is fp32, weights that train and all others, and so is the arithmetic

`MFU`, kernels per layer and the launch time are round figures from experience with LoRA training
of models of a few billion weights. They were not measured on the GPUs named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import nn

from livr.backbones.backbone import decoder_prefix
from livr.backbones.four_bit import weight_count
from livr.errors import ConfigError

MFU = 0.35
KERNELS_PER_LAYER = 250
LAUNCH_SECONDS = 6e-6
CONTEXT_BYTES = 1 << 30
SLACK = 1.1
STATE_BYTES = 16
NF4_BYTES = 0.516
"""Bytes of one weight in NF4 with double quantisation: 4.127 bits (arXiv 2305.14314, section 3)."""
HALF_SHARE = 0.75
"""Bytes that autograd keeps in bfloat16 over fp32: LoRA's inputs and norms stay in fp32."""
ANSWER_TOKENS = 4


@dataclass(frozen=True)
class Gpu:
    """A GPU's data sheet.

    Attributes:
        name: As people write it.
        flops: Dense bfloat16 operations per second, without sparsity.
        flops_32: float32 operations per second, without TF32, which torch leaves off.
        bandwidth: Bytes per second from its memory.
        memory: Bytes.
    """

    name: str
    flops: float
    flops_32: float
    bandwidth: float
    memory: int


GPUS: Mapping[str, Gpu] = MappingProxyType(
    {
        gpu.name.lower(): gpu
        for gpu in (
            Gpu("A100", 312e12, 19.5e12, 2.0e12, 80 << 30),
            Gpu("H100", 989e12, 67e12, 3.35e12, 80 << 30),
            Gpu("RTX 6000 Ada", 364e12, 91e12, 0.96e12, 48 << 30),
        )
    }
)


def find_gpu(name: str) -> Gpu:
    """A GPU by name.

    Raises:
        ConfigError: It is not in the table.
    """
    gpu = GPUS.get(" ".join(name.lower().replace("-", " ").replace("_", " ").split()))
    if gpu is None:
        known = ", ".join(g.name for g in GPUS.values())
        raise ConfigError(f"--gpu {name}: no data sheet; choose one of {known}")
    return gpu


@dataclass(frozen=True)
class Sizes:
    """Numbers of weights, and what attention needs to know.

    Attributes:
        decoder: Weights of the decoder's layers.
        output: Weights of the output projection.
        vision: Weights of vision tower and projector.
        total: All weights of the checkpoint.
        trainable: Numbers that move.
        layers: Decoder layers.
        width: Width of all attention heads of a layer together.
        tuned: Whether the decoder's own weights train.
    """

    decoder: int
    output: int
    vision: int
    total: int
    trainable: int
    layers: int
    width: int
    tuned: bool

    @property
    def weight_bytes(self) -> int:
        """Bytes of one weight: the model is float32 where its own weights train."""
        return 4 if self.tuned else 2

    def peak(self, gpu: Gpu) -> float:
        """Operations per second of a GPU in the model's precision."""
        return gpu.flops_32 if self.tuned else gpu.flops


def sizes(hf: Any, trainable: int, tuned: bool) -> Sizes:
    """Count a model."""
    own = {n: p for n, p in hf.named_parameters() if ".lora_" not in n}
    prefix = decoder_prefix(hf) + "."
    tables = {id(m.weight) for m in (hf.get_input_embeddings(), hf.get_output_embeddings())}
    layers = [p for n, p in own.items() if n.startswith(prefix) and id(p) not in tables]
    outside = [p for n, p in own.items() if not n.startswith(prefix) and id(p) not in tables]
    text = hf.config.get_text_config(decoder=True)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Sizes(
        decoder=_count(layers),
        output=hf.get_output_embeddings().weight.numel(),
        vision=_count(outside),
        total=_count(list(own.values())),
        trainable=trainable,
        layers=int(text.num_hidden_layers),
        width=int(head) * int(text.num_attention_heads),
        tuned=tuned,
    )


def _count(weights: list[nn.Parameter]) -> int:
    return sum(map(weight_count, weights))


def step_flops(size: Sizes, tokens: float, answer: float, checkpointing: bool) -> float:
    """Operations of forward and backward of one example, the vision tower left out."""
    passes = 2 + size.tuned + checkpointing
    decoder = 2 * size.decoder * tokens * passes
    if not size.tuned:
        decoder += 6 * size.trainable * tokens
    attention = 2 * tokens**2 * size.width * size.layers * (3 + checkpointing)
    return decoder + attention + 4 * answer * size.output


def step_seconds(gpu: Gpu, size: Sizes, flops: float, batch: int) -> float:
    """Seconds per example of a forward and backward pass over `batch` examples."""
    compute = batch * flops / (MFU * size.peak(gpu))
    weights = 2 * size.weight_bytes * size.total / gpu.bandwidth
    launch = size.layers * KERNELS_PER_LAYER * LAUNCH_SECONDS
    return max(compute, weights, launch) / batch


def read_seconds(gpu: Gpu, size: Sizes, patches: float) -> float:
    """Seconds per example in the vision tower."""
    return 2 * size.vision * patches / (MFU * size.peak(gpu))


def answer_seconds(gpu: Gpu, size: Sizes, tokens: float, batch: int = 32) -> float:
    """Seconds per generated answer, `batch` at a time."""
    prompt = 2 * size.decoder * tokens / (MFU * size.peak(gpu))
    launch = size.layers * KERNELS_PER_LAYER / 3 * LAUNCH_SECONDS
    word = max(size.weight_bytes * size.total / gpu.bandwidth, launch)
    return prompt + ANSWER_TOKENS * word / batch


@dataclass(frozen=True)
class Question:
    """What a question of a data set costs, in the mean.

    Attributes:
        tokens: Positions of the sequence, images and answer included.
        answer: Positions of the answer.
        patches: Positions of the vision tower.
    """

    tokens: float
    answer: float
    patches: float


def epoch_seconds(
    gpu: Gpu,
    size: Sizes,
    question: Question,
    counts: tuple[int, int],
    batch: int,
    *,
    checkpointing: bool,
    features_kept: bool,
) -> tuple[float, float]:
    """Seconds to read the images before training, and seconds of an epoch with its validation.

    Args:
        gpu: Where.
        size: The model.
        question: What it is asked.
        counts: Questions to train on and to validate with.
        batch: Examples per forward pass.
        checkpointing: Whether activations are computed twice.
        features_kept: Whether the vision tower runs once instead of in every epoch.
    """
    train, val = counts
    flops = step_flops(size, question.tokens, question.answer, checkpointing)
    step = step_seconds(gpu, size, flops, batch)
    read = read_seconds(gpu, size, question.patches)
    reading = read * (train + val) if features_kept else 0.0
    if not features_kept:
        step += read
    return reading, train * step + val * answer_seconds(gpu, size, question.tokens)


def gpu_memory(
    size: Sizes, activation_bytes: float, feature_bytes: float, four_bit: bool = False
) -> float:
    """Peak bytes on a GPU, with weights in bfloat16, in float32, or the decoder's in four bits.

    Args:
        size: The model.
        activation_bytes: What autograd keeps where the model is in float32.
        feature_bytes: Kept image features, in the precision they have there.
        four_bit: Whether the decoder is in four bits.
    """
    share = 1.0
    if size.tuned:
        # The value of what trains is in STATE_BYTES.
        stored = 4.0 * (size.total - size.trainable)
    elif four_bit:
        stored = NF4_BYTES * size.decoder + 4 * (size.total - size.decoder)
    else:
        stored, share = 2.0 * size.total, HALF_SHARE
    kept = share * activation_bytes + feature_bytes
    return CONTEXT_BYTES + SLACK * (stored + STATE_BYTES * size.trainable + kept)
