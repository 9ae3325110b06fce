"""Mirage's model: slots that hold hidden states, and a loop that fills them.

A slot is a position whose input is a vector instead of a word. It is laid over the embedding, as
LIVR's rows are, so that no forward of any model is touched, and every pass is a whole one: no cache
of our own, no position of our own. That costs one pass per slot.

Shapes: B batch, T tokens, K slots, D width of the language model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from livr.data.example import Example
from livr.errors import ConfigError, ModelError
from livr.method.roles import Role
from livr.model.batch import Batch, Side
from livr.model.encoder import ROOM, Encoded
from livr.model.model import Features, Model, Use

MAX_SLOTS = 8
"""Most latents at test (METHOD section 5)."""


@dataclass(frozen=True)
class MirageRow(Encoded):
    """An example with slots.

    Attributes:
        slots: Their positions; none in a prompt that was not thought about yet.
        room: How many slots a prompt may get.
        targets_KD: What the slots shall hold, in training.
    """

    slots: range = range(0)
    room: int = MAX_SLOTS
    targets_KD: Tensor | None = None

    @classmethod
    def of(cls, row: Encoded, room: int = MAX_SLOTS) -> MirageRow:
        """A row without slots."""
        return cls(**{f.name: getattr(row, f.name) for f in fields(Encoded)}, room=room)

    def with_slots(self, num: int, placeholder: int) -> MirageRow:
        """The same with `num` slots at the end; what follows is the answer.

        Args:
            num: How many.
            placeholder: Any token id: what it stands for is never read.
        """
        longer = self.extended([placeholder] * num)
        assert isinstance(longer, MirageRow)
        return replace(longer, slots=range(len(self), len(longer)), answer_start=len(longer))


@dataclass(frozen=True)
class MirageBatch(Batch):
    """A batch with slots.

    Attributes:
        slots_BT: True at slots.
        targets_BKD: What they shall hold, in training.
    """

    slots_BT: Tensor
    targets_BKD: Tensor | None


class MirageModel(Model):
    """A model that thinks in hidden states before it answers. It has no vocabulary of latents.

    `latents="keep"` lets it fill up to 8 slots, a number up to so many, `"drop"` none. `logits`
    asks without slots.
    """

    def __init__(self, hf: Any, processor: Any, source: str, max_pixels: int | None = None) -> None:
        super().__init__(hf, processor, source, max_pixels)
        self.line_break: list[int] = self.tokenizer("\n", add_special_tokens=False)["input_ids"]
        self._filled: tuple[Tensor, Tensor] | None = None
        hf.get_input_embeddings().register_forward_hook(self._fill)

    @property
    def most_latents(self) -> int:
        """Slots that it may fill."""
        return MAX_SLOTS

    def _fill(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Put contents where slots are. Generated words come later and are none of them."""
        if self._filled is None or output.shape[:2] != self._filled[0].shape:
            return output
        slots_BT, contents_BKD = self._filled
        number_BT = (slots_BT.cumsum(1) - 1).clamp(0, contents_BKD.shape[1] - 1)
        index_BTD = number_BT[..., None].expand(-1, -1, contents_BKD.shape[2])
        contents_BTD = contents_BKD.to(output.dtype).gather(1, index_BTD)
        return torch.where(slots_BT[..., None], contents_BTD, output)

    @contextmanager
    def filled(self, slots_BT: Tensor, contents_BKD: Tensor) -> Iterator[None]:
        """Inside the block, passes over a batch with these slots read these contents.

        Args:
            slots_BT: True at slots; a sequence may have fewer than K.
            contents_BKD: The first of a sequence goes into its first slot, and so on.
        """
        self._filled = (slots_BT, contents_BKD) if contents_BKD.shape[1] else None
        try:
            yield
        finally:
            self._filled = None

    def encode(self, examples: Sequence[Example], latents: Use, answer: bool) -> list[Encoded]:
        """Encode examples. Prompts may get slots, see `latents`; given answers have none."""
        room = {"keep": MAX_SLOTS, "drop": 0}[latents] if isinstance(latents, str) else latents
        if not 0 <= room <= MAX_SLOTS:
            raise ConfigError(f"{room} latents asked for; Mirage has at most {MAX_SLOTS}")
        return [MirageRow.of(row, room) for row in super().encode(examples, "keep", answer)]

    def batch(
        self, encoded: Sequence[Encoded], side: Side = "left", features: Features | None = None
    ) -> MirageBatch:
        """Pad, join, and move to the model's device. To a rule, slots are latents."""
        plain = super().batch(encoded, side, features)
        slots_BT = torch.zeros_like(plain.roles_BT, dtype=torch.bool)
        targets = []
        for b, row in enumerate(encoded):
            assert isinstance(row, MirageRow)
            start = slots_BT.shape[1] - len(row) if side == "left" else 0
            slots_BT[b, start + row.slots.start : start + row.slots.stop] = True
            targets += [] if row.targets_KD is None else [row.targets_KD.to(self.device)]
        roles_BT = plain.roles_BT.masked_fill(slots_BT, int(Role.LATENT))
        known = torch.stack(targets) if targets else None
        return MirageBatch(plain.inputs, roles_BT, plain.labels_BT, slots_BT, known)

    def log_likelihoods(self, *args: Any, **options: Any) -> list[Tensor]:
        """Not to be had: what it would have thought before a given answer is not known.

        Raises:
            ModelError: Always.
        """
        raise ModelError(f"{self.source} thinks before it answers; its answers cannot be ranked")

    def states(self, batch: MirageBatch, contents_BKD: Tensor) -> Tensor:
        """(B, T, D): the final hidden states of a pass with these contents."""
        with self.filled(batch.slots_BT, contents_BKD):
            out = self.hf.base_model(**batch.inputs, use_cache=False)
        states_BTD: Tensor = out.last_hidden_state
        return states_BTD

    def before_slots(self, batch: MirageBatch, number: int) -> tuple[Tensor, Tensor]:
        """Indices (b, t) of the position before slot `number` (from 0) of every sequence."""
        first_B = batch.slots_BT.int().argmax(1)
        rows_B = torch.arange(len(first_B), device=first_B.device)
        return rows_B, (first_B + number - 1).clamp(0, batch.slots_BT.shape[1] - 1)

    @torch.no_grad()
    def think(
        self, rows: Sequence[MirageRow], mask: str, features: Features | None
    ) -> tuple[list[MirageRow], Tensor]:
        """Fill slots one after another, each sequence until it would write the line break.

        Returns:
            The prompts with their slots, and the contents (B, K, D).
        """
        opened = [row.with_slots(row.room, self.encoder.end_of_turn) for row in rows]
        batch = self.batch(opened, "left", features)
        count_B = torch.tensor([row.room for row in rows], device=self.device)
        contents = torch.zeros(len(rows), 0, self.width, device=self.device)
        for number in range(int(count_B.max())):
            with self.rule(mask, batch):
                last_BD = self.states(batch, contents)[self.before_slots(batch, number)]
            if number:
                said_B = self.hf.get_output_embeddings()(last_BD).argmax(-1)
                enough_B = (said_B == self.line_break[0]) & (count_B > number)
                count_B = torch.where(enough_B, number, count_B)
                if int(count_B.max()) == number:
                    break
            contents = torch.cat([contents, last_BD[:, None].to(contents.dtype)], 1)
        counts: list[int] = count_B.tolist()
        placeholder = self.encoder.end_of_turn
        thought = [row.with_slots(n, placeholder) for row, n in zip(rows, counts, strict=True)]
        return thought, contents

    @property
    def width(self) -> int:
        """D."""
        return int(self.hf.get_input_embeddings().weight.shape[1])

    @torch.no_grad()
    def generate_encoded(
        self,
        encoded: Sequence[Encoded],
        mask: str = "ordinary",
        *,
        features: Features | None = None,
        max_new_tokens: int = ROOM,
    ) -> list[str]:
        """Think, then answer; for one batch of encoded prompts."""
        rows = [row if isinstance(row, MirageRow) else MirageRow.of(row) for row in encoded]
        thought, contents = self.think(rows, mask, features)
        prompts = [row.extended(self.line_break) for row in thought]
        slots_BT = self.batch(prompts, "left", features).slots_BT
        with self.filled(slots_BT, contents):
            return super().generate_encoded(
                prompts, mask, features=features, max_new_tokens=max_new_tokens
            )
