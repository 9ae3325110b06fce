"""Mirage's training: targets from helper images, and the losses of its two stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy

from livr.baselines.mirage_model import MAX_SLOTS, MirageBatch, MirageModel, MirageRow
from livr.config import TrainConfig
from livr.data.example import Example
from livr.errors import ConfigError, DataError
from livr.method.stages import Stage
from livr.model.batch import Batch
from livr.model.encoder import Encoded
from livr.model.model import Model
from livr.train.dataset import EncodedSet
from livr.train.stage import Learner

TEXT_WEIGHT = 0.1
"""Weight of cross entropy in stage 1 (METHOD section 5)."""


def targets(model: MirageModel, example: Example, num: int) -> Tensor:
    """(K, D): visual embeddings of the helper images, in K equal groups, the mean of each.

    Where the number of embeddings is no multiple of K, the first groups have one more.

    Raises:
        DataError: There is no helper image, or it is too small for K groups.
    """
    if not example.helper_images:
        raise DataError(
            f"example {example.id}: method mirage learns from helper images, and this example has "
            "none; give it `helper_images`, or train with another method"
        )
    helper = Example(id=example.id, images=example.helper_images, question="helper")
    row = model.encode([helper], "drop", answer=False)[0]
    pooled_ID = torch.cat([image.pooled_ID for image in model.image_features([row])[0]])
    if len(pooled_ID) < num:
        raise DataError(
            f"example {example.id}: its helper image gives {len(pooled_ID)} visual embeddings, too "
            f"few for {num} latents; use a larger one, or set latents.num"
        )
    return torch.stack([group.mean(0) for group in pooled_ID.tensor_split(num)])


class MirageSet(EncodedSet):
    """A split whose examples have slots and, in training, what they shall hold.

    Args:
        model: The model.
        examples: The split; for training, with helper images.
        num: K.
        options: As for `EncodedSet`.

    Raises:
        ConfigError: K is more than there can be at test.
    """

    def __init__(
        self, model: Model, examples: Sequence[Example], *, num: int, **options: Any
    ) -> None:
        if num > MAX_SLOTS:
            raise ConfigError(f"latents.num={num}: Mirage has at most {MAX_SLOTS} latents")
        self.num = num
        super().__init__(model, examples, **options)

    def _encode(self, example: Example) -> Encoded:
        model = self.model
        assert isinstance(model, MirageModel)
        prompt = model.encode([example], "keep", answer=False)[0]
        if not self.answer:
            return prompt
        assert isinstance(prompt, MirageRow)
        row = prompt.with_slots(self.num, model.encoder.end_of_turn)
        row = replace(row, targets_KD=targets(model, example, self.num))
        said = model.tokenizer(example.answer, add_special_tokens=False)["input_ids"]
        return row.extended([*model.line_break, *said, model.encoder.end_of_turn])


class MirageLearner(Learner):
    """What the trainer moves, and how: stage 1 teacher-forced, stage 2 self-fed.

    `forward` returns one loss per answer token, as `Learner` does, so that accumulation stays
    exact. In stage 1 every answer token carries its example's mean of 1 - cosine besides its own
    cross entropy: over answers of equal length this is the sum in METHOD section 5, and longer
    answers weigh more (ours).
    """

    def __init__(self, model: Model, stage: Stage, config: TrainConfig) -> None:
        super().__init__(model, stage, config)
        self.losses = {"stage1": self.teacher_forced, "stage2": self.self_fed}[stage.name]

    def forward(self, batch: Batch) -> Tensor:
        assert isinstance(batch, MirageBatch)
        assert isinstance(self.model, MirageModel)
        return self.losses(self.model, batch)

    @staticmethod
    def teacher_forced(model: MirageModel, batch: MirageBatch) -> Tensor:
        """0.1 cross entropy + (1 - cosine) of the state before each slot and its target."""
        assert batch.targets_BKD is not None
        states_BTD = model.states(batch, batch.targets_BKD)
        num = batch.targets_BKD.shape[1]
        before = [states_BTD[model.before_slots(batch, n)] for n in range(num)]
        near_BK = cosine_similarity(torch.stack(before, 1).float(), batch.targets_BKD.float(), -1)
        away_B = (1 - near_BK).mean(1)
        whose_N = batch.keep_BT.nonzero()[:, 0]
        return TEXT_WEIGHT * _answer_losses(model, batch, states_BTD) + away_B[whose_N]

    @staticmethod
    def self_fed(model: MirageModel, batch: MirageBatch) -> Tensor:
        """Cross entropy; each slot holds the state before it, and gradients run through all."""
        num = int(batch.slots_BT.sum(1).max())
        contents = batch.slots_BT.new_zeros((len(batch.slots_BT), 0, model.width)).float()
        for number in range(num):
            last_BD = model.states(batch, contents)[model.before_slots(batch, number)]
            contents = torch.cat([contents, last_BD[:, None]], 1)
        return _answer_losses(model, batch, model.states(batch, contents))


def _answer_losses(model: MirageModel, batch: Batch, states_BTD: Tensor) -> Tensor:
    logits = model.hf.get_output_embeddings()(states_BTD[batch.keep_BT])
    return cross_entropy(logits.float(), batch.targets_N, reduction="none")
