"""What the latents hold for those who look at them: read it, replace it.

Later positions see a latent only through its keys and values, one pair per layer. Whoever
replaces these in all layers has replaced the latent's content and left its slots in place.

Why hooks on the key and value projections, and not the cache after prefill:
  - The chat template goes on after the latents. In a filled cache those positions have read the
    latents already and would carry their content past the replacement.
  - A projection's output has no position in it yet (rotary embedding comes later). Content may
    come from a prompt of another length, and the mean over examples is a mean of like things.
  - `generate` stays as it is: the prompt passes the hooks once, decoding reads the result.
Hooks see the projection with its LoRA. No forward is copied or patched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from livr.analysis.inside.questions import Chunk, Edit, Questions
from livr.errors import UnsupportedModelError
from livr.model.encoder import Encoded
from livr.model.model import Model


@dataclass(frozen=True)
class Content:
    """Keys and values of the latents of N questions, before rotary embedding.

    Attributes:
        parts: Two per layer (keys, values), each (N, K, width).
    """

    parts: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.parts[0])

    def each(self, change: Callable[[Tensor], Tensor]) -> Content:
        """Change every part in the same way."""
        return Content(tuple(change(part) for part in self.parts))

    def take(self, index: Sequence[int]) -> Content:
        """Row i becomes row index[i]."""
        rows = torch.tensor(list(index), dtype=torch.long)
        return self.each(lambda part: part[rows])

    def zeros(self) -> Content:
        """Nothing at all."""
        return self.each(torch.zeros_like)

    def mean(self) -> Content:
        """What all questions have in common, slot by slot."""
        return self.each(lambda part: part.mean(0, keepdim=True).expand_as(part))

    def noise(self, seed: int) -> Content:
        """Normal noise with the mean and spread of each slot and dimension over questions."""
        assert len(self) > 1, "one question has no spread"
        generator = torch.Generator().manual_seed(seed)

        def draw(part: Tensor) -> Tensor:
            random = torch.randn(part.shape, generator=generator, dtype=part.dtype)
            return part.mean(0) + random * part.std(0)

        return self.each(draw)


def projections(model: Model) -> list[nn.Module]:
    """Key and value projection of each decoder layer, in order.

    Raises:
        UnsupportedModelError: The decoder has no separate projections in every layer.
    """
    decoder = model.hf.get_decoder()
    found: list[nn.Module] = []
    for module in decoder.modules():
        if hasattr(module, "k_proj") and hasattr(module, "v_proj"):
            found += [module.k_proj, module.v_proj]
    layers = model.hf.config.get_text_config(decoder=True).num_hidden_layers
    if len(found) != 2 * layers:
        raise UnsupportedModelError(
            f"{model.source}: its decoder has {layers} layers but {len(found) // 2} pairs of "
            "k_proj and v_proj; the latents' content cannot be replaced in this architecture"
        )
    return found


def latent_positions(model: Model, rows: Sequence[Encoded]) -> Tensor:
    """(B, K) positions of the latents once `rows` are padded on the left."""
    assert model.latents is not None
    longest = max(map(len, rows))
    wanted = torch.tensor(list(model.latents.ids))
    found = [torch.isin(r.ids_T, wanted).nonzero()[:, 0] + longest - len(r) for r in rows]
    return torch.stack(found)


@contextmanager
def _hooked(modules: Sequence[nn.Module], hooks: Sequence[Callable[..., Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for module, hook in zip(modules, hooks, strict=True):
            stack.callback(module.register_forward_hook(hook).remove)
        yield


@torch.no_grad()
def read(questions: Questions, mask: str = "ordinary") -> Content:
    """The latents' content for every question under the rule called `mask`."""
    model = questions.model
    modules = projections(model)
    kept: list[list[Tensor]] = [[] for _ in modules]
    for chunk in questions.chunks():
        where_BK = latent_positions(model, chunk.prompts)
        row_B1 = torch.arange(len(where_BK))[:, None]

        def reader(store: list[Tensor], row: Tensor = row_B1, where: Tensor = where_BK) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
                store.append(output[row.to(output.device), where.to(output.device)].cpu())

            return hook

        batch = questions.batch(chunk, answer=False)
        with _hooked(modules, [reader(store) for store in kept]), model.rule(mask, batch):
            model.hf(**batch.inputs, logits_to_keep=1, use_cache=False)
    return Content(tuple(torch.cat(store) for store in kept))


def replacing(model: Model, content: Content) -> Edit:
    """An edit that puts row i of `content` into the latents of question i, in all layers."""
    modules = projections(model)

    def edit(chunk: Chunk) -> AbstractContextManager[None]:
        where_BK = latent_positions(model, chunk.prompts)
        row_B1 = torch.arange(len(where_BK))[:, None]
        length = max(map(len, chunk.prompts))
        rows = slice(chunk.index.start, chunk.index.stop)

        def writer(part: Tensor) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
                if output.shape[1] != length:
                    return output  # a decoding step: the prompt has passed already
                changed = output.clone()
                place = row_B1.to(output.device), where_BK.to(output.device)
                changed[place] = part[rows].to(output)
                return changed

            return hook

        return _hooked(modules, [writer(part) for part in content.parts])

    return edit
