"""The latents: K new vocabulary entries, each with its own embedding row.

They carry no text, cost no labels, and stand in the prompt: none is generated. Only their K rows
train; the embedding matrix itself is never copied or touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from livr.config import LatentsConfig


def token_names(num: int) -> list[str]:
    """The vocabulary entries of `num` latents, in prompt order.

    >>> token_names(2)
    ['<|latent_0|>', '<|latent_1|>']
    """
    return [f"<|latent_{i}|>" for i in range(num)]


class Latents(nn.Module):
    """K trainable rows laid over a frozen embedding.

    Attributes:
        rows: (K, D), or (1, D) if all latents share one row. Trains in fp32 whatever the
            precision of the model.
        first_id: Token id of the first latent; the others follow.
        num: K.
        noise: Norm of the noise on every use of a row, relative to the row's. See `noisy`.

    Source: paper 3.2, "randomly initialised". How is ours: `LatentsConfig.start`.
    """

    def __init__(self, weight_VD: Tensor, first_id: int, config: LatentsConfig, seed: int) -> None:
        super().__init__()
        self.first_id = first_id
        self.config = config
        self.num = config.num
        self.noise = 0.0
        generator = torch.Generator().manual_seed(seed)
        rows = 1 if config.shared else config.num
        # Rows from the latents on are spare or new: they say nothing about real words.
        words_VD = weight_VD.detach()[:first_id].float()
        noise_KD = torch.randn(rows, weight_VD.shape[1], generator=generator).to(words_VD.device)
        starts = {
            "apart": noise_KD * words_VD.square().mean().sqrt(),
            "words": words_VD.mean(0) + noise_KD * words_VD.std(0),
        }
        self.rows = nn.Parameter(starts[config.start])

    @property
    def ids(self) -> range:
        """Token ids of the latents."""
        return range(self.first_id, self.first_id + self.num)

    def rows_KD(self) -> Tensor:
        """The K rows, a shared row repeated."""
        return self.rows.expand(self.num, -1)

    @contextmanager
    def noisy(self, noise: float) -> Iterator[None]:
        """Inside the block every use of a row gets Gaussian noise of its own; ours, for training.

        Args:
            noise: Its norm over the row's norm, in the mean. 0 draws no random numbers.
        """
        self.noise, before = noise, self.noise
        try:
            yield
        finally:
            self.noise = before

    def overlay(self, ids_BT: Tensor, embedded_BTD: Tensor) -> Tensor:
        """Put the latents' rows where their ids are; everything else passes unchanged."""
        slot_BT = ids_BT - self.first_id
        is_latent_BT = (slot_BT >= 0) & (slot_BT < self.num)
        rows_BTD = self.rows_KD().to(embedded_BTD.dtype)[slot_BT.clamp(0, self.num - 1)]
        if self.noise:
            scale_BT1 = self.noise * rows_BTD.detach().square().mean(-1, keepdim=True).sqrt()
            rows_BTD = rows_BTD + scale_BT1 * torch.randn_like(rows_BTD)
        return torch.where(is_latent_BT[..., None], rows_BTD, embedded_BTD)

    def attach(self, embedding: nn.Module) -> RemovableHandle:
        """Lay the rows over every lookup of `embedding` from now on."""

        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return self.overlay(inputs[0], output)

        return embedding.register_forward_hook(hook)
