"""Compressed decoding: under the bottleneck the image is not needed once the prompt is read.

Latents alone look at the image, and none follow the prompt. So after the prompt the keys and
values of image positions are dropped from every layer, and decoding goes on from the rest of the
prompt with its K latents, in any number of turns. The answers are those of bottleneck decoding
with the image kept; scores differ by rounding. Positions keep their numbers: what is left lies
where it lay.

    notes = remember(model, model.encode([example], "keep", answer=False))
    notes.answer()                                 # ["B"]
    notes.ask(["And how many are red?"])           # ["3"], without the image
    notes.bytes_before, notes.bytes_after          # of keys and values

Source: ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import get_layer_types_and_kwargs

from livr.backbones.features import ImageFeatures
from livr.errors import ConfigError, ModelError
from livr.method.bottleneck import policy
from livr.method.roles import Role
from livr.model.encoder import ROOM, Encoded

if TYPE_CHECKING:
    from livr.model.model import Model


def kv_bytes(cache: Any) -> int:
    """Bytes of the keys and values in a transformers cache."""
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)


class Notes:
    """What is left of prompts whose images were dropped, and of the turns since.

    Attributes:
        bytes_before: Keys and values of the prompts with their images.
        bytes_after: The same without.

    Args:
        model: The model.
        cache: Keys and values, images dropped.
        seen_BM: 1 where the cache holds a token of the row, 0 where it holds padding.
        next_B1: Position of each row's next token.
        logits_BV: Scores of each row's next token.
        bytes_before: See above.
    """

    def __init__(
        self,
        model: Model,
        cache: Any,
        seen_BM: Tensor,
        next_B1: Tensor,
        logits_BV: Tensor,
        bytes_before: int,
    ) -> None:
        self.model, self.cache = model, cache
        self.seen_BM, self.next_B1, self.logits_BV = seen_BM, next_B1, logits_BV
        self.bytes_before, self.bytes_after = bytes_before, kv_bytes(cache)
        # Said, but not read yet: the last word of an answer that was cut off.
        self.unread_B1 = torch.zeros_like(next_B1)
        self.is_unread_B1 = torch.zeros_like(next_B1)

    @torch.no_grad()
    def answer(self, max_new_tokens: int = ROOM) -> list[str]:
        """Answer the last question of every row, greedily, as `Model.generate` does."""
        where = self.seen_BM.device
        ends = torch.tensor(self.model.end_ids(), device=where)
        unsayable = torch.tensor(self.model.unsayable_ids(), device=where)
        pad = self.model.encoder.end_of_turn
        open_B1 = torch.ones_like(self.next_B1)
        said: list[Tensor] = []
        for i in range(max_new_tokens):
            if i:
                self._read(said[-1], open_B1)
            scores_BV = self.logits_BV.float().index_fill(1, unsayable, -torch.inf)
            token_B1 = scores_BV.argmax(-1, keepdim=True).masked_fill(open_B1 == 0, pad)
            said.append(token_B1)
            open_B1 = open_B1 * ~torch.isin(token_B1, ends)
            if not bool(open_B1.any()):
                break
        self.unread_B1, self.is_unread_B1 = said[-1], open_B1
        texts = self.model.tokenizer.batch_decode(torch.cat(said, 1), skip_special_tokens=True)
        return [text.strip() for text in texts]

    @torch.no_grad()
    def ask(self, questions: Sequence[str], max_new_tokens: int = ROOM) -> list[str]:
        """Ask every row a further question about its images, which are not there any more.

        Args:
            questions: One per row.
            max_new_tokens: Longest answer.

        Raises:
            ConfigError: Not one question per row.
        """
        if len(questions) != len(self.seen_BM):
            raise ConfigError(f"{len(questions)} question(s) for {len(self.seen_BM)} example(s)")
        turns = [self.model.encoder.turns.after(question) for question in questions]
        width = max(map(len, turns))
        where, pad = self.seen_BM.device, self.model.encoder.end_of_turn
        ids = [[pad] * (width - len(turn)) + turn for turn in turns]
        new = [[0] * (width - len(turn)) + [1] * len(turn) for turn in turns]
        ids_BT, new_BT = (torch.tensor(rows, device=where) for rows in (ids, new))
        self._read(
            torch.cat([self.unread_B1, ids_BT], 1), torch.cat([self.is_unread_B1, new_BT], 1)
        )
        return self.answer(max_new_tokens)

    def _read(self, ids_BT: Tensor, new_BT: Tensor) -> None:
        """Take in tokens; 0 in `new_BT` is padding."""
        positions_BT = (self.next_B1 + new_BT.cumsum(1) - 1).clamp(min=0)
        self.next_B1 = self.next_B1 + new_BT.sum(1, keepdim=True)
        self.seen_BM = torch.cat([self.seen_BM, new_BT], 1)
        out = self.model.hf(
            input_ids=ids_BT,
            attention_mask=self.seen_BM,
            position_ids=positions_BT,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.logits_BV = out.logits[:, -1]


@torch.no_grad()
def remember(
    model: Model,
    encoded: Sequence[Encoded],
    mask: str = "bottleneck",
    features: Sequence[Sequence[ImageFeatures]] | None = None,
) -> Notes:
    """Read prompts and drop their images.

    Args:
        model: A model with latents.
        encoded: Prompts without answers.
        mask: Name of a policy that hides the image from prompt and answer.
        features: Per example the features of its images, if known.

    Raises:
        ConfigError: Under that policy, or without latents, the image would be missed.
        ModelError: The family's attention does not allow for it.
    """
    batch = model.batch(encoded, "left", features)
    _refuse(model, mask, batch.roles_BT)
    valid_BT = batch.inputs["attention_mask"]
    image_BT = batch.roles_BT == Role.IMAGE
    inputs = dict(batch.inputs)
    # Families with positions in three dimensions number images themselves and tell the offset.
    own_positions = hasattr(model.hf.base_model, "rope_deltas") and bool(image_BT.any())
    if not own_positions:
        inputs["position_ids"] = (valid_BT.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache()
    with model.rule(mask, batch, "pieces"):
        out = model.hf(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
    next_B1 = valid_BT.sum(1, keepdim=True)
    if own_positions:
        next_B1 = next_B1 + model.hf.base_model.rope_deltas.to(next_B1.device)
    before = kv_bytes(cache)
    keep_BT = (valid_BT == 1) & ~image_BT
    # What is kept goes to the end, in order; shorter rows are filled up in front.
    index_BM = keep_BT.int().argsort(dim=1, stable=True)[:, -int(keep_BT.sum(1).max()) :]
    for layer in cache.layers:
        layer.keys, layer.values = _take(layer.keys, index_BM), _take(layer.values, index_BM)
    seen_BM = keep_BT.gather(1, index_BM).long()
    return Notes(model, cache, seen_BM, next_B1, out.logits[:, -1], before)


def _take(x_BHTD: Tensor, index_BM: Tensor) -> Tensor:
    index = index_BM.to(x_BHTD.device)[:, None, :, None]
    return x_BHTD.gather(2, index.expand(-1, x_BHTD.shape[1], -1, x_BHTD.shape[3]))


def need_hidden_image(mask: str) -> None:
    """Refuse a mask under which the answer looks at the image; needs no model.

    Args:
        mask: Name of a policy.

    Raises:
        ConfigError: It is such a mask, or no policy has that name.
    """
    hidden = policy(mask).hidden
    if not {(Role.PROMPT, Role.IMAGE), (Role.ANSWER, Role.IMAGE)} <= hidden:
        raise ConfigError(
            f"compress drops the image after the prompt, but under mask={mask} the answer looks at "
            "it; use mask=bottleneck, with a model that was trained to answer from its latents"
        )


def obstacle(model: Model) -> str:
    """Why a model cannot forget images, as the end of a sentence; empty if it can.

    Args:
        model: Any loaded model.
    """
    family = model.family
    if not family.known:
        return f"{family.name} is not among the tested families"
    kinds, _ = get_layer_types_and_kwargs(model.hf.config.get_text_config(decoder=True))
    if "sliding_attention" in kinds:
        return f"{family.name} has sliding windows"
    if others := sorted(set(kinds) - {"full_attention"}):
        return f"{family.name} has layers of another kind ({', '.join(others)})"
    if family.attention != "causal":
        return f"{family.name} has attention of another kind ({family.attention})"
    return ""


def _refuse(model: Model, mask: str, roles_BT: Tensor) -> None:
    need_hidden_image(mask)
    if not bool((roles_BT == Role.LATENT).any(1).all()):
        raise ConfigError(
            "compress keeps what latents saw of the image, but this prompt has none: the answer "
            "would be blind; use a model with latents, and latents=keep"
        )
    if reason := obstacle(model):
        raise ModelError(f"compress needs plain causal attention in every layer; {reason}")
