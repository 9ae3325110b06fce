"""Law 5 for sets that do not divide evenly: every example once, whatever number of processes."""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace

import pytest
import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader

import livr
from livr.config import TrainConfig
from livr.data.store import load_split
from livr.method.variants import variant
from livr.model.batch import IGNORE
from livr.train.dataset import EncodedSet, collator
from livr.train.equip import equip, stages_of
from livr.train.sampler import Blank
from livr.train.stage import Learner, StageTrainer
from tests import tiny

COUNT, BATCH, PROCESSES = 10, 4, 2


class Indices(list):
    """A set of examples without examples."""

    def lengths(self) -> list[int]:
        return [1] * len(self)


def passes(each: int, processes: int, epoch: int = 0) -> list[list[list[int]]]:
    """Forward passes of every process, with the sampler that the trainer chooses."""
    trainer = StageTrainer.__new__(StageTrainer)
    trainer.train_dataset = Indices(range(COUNT))
    trainer.args = SimpleNamespace(
        train_batch_size=each,
        gradient_accumulation_steps=BATCH // processes // each,
        world_size=processes,
        data_seed=7,
        train_sampling_strategy="random",
    )
    found = []
    for rank in range(processes):
        plain = DataLoader(
            trainer.train_dataset, batch_size=each, sampler=trainer._get_train_sampler()
        )
        loader = prepare_data_loader(
            plain,
            num_processes=processes,
            process_index=rank,
            put_on_device=False,
            use_seedable_sampler=True,
            data_seed=7,
        )
        loader.set_epoch(epoch)
        found.append(list(loader.batch_sampler))
    return found


def learnt(steps: list[list[int]]) -> list[list[int]]:
    return [sorted(i for i in step if not isinstance(i, Blank)) for step in steps]


@pytest.mark.parametrize("epoch", [0, 3])
@pytest.mark.parametrize("each", [1, 2])
def test_two_processes_learn_the_steps_of_one(each, epoch) -> None:
    one, two = passes(BATCH, 1, epoch)[0], passes(each, PROCESSES, epoch)
    assert len(two[0]) == len(two[1]), "processes that wait for each other"
    assert {len(batch) for rank in two for batch in rank} == {each}
    together = [a + b for a, b in zip(*two, strict=True)]
    count = BATCH // PROCESSES // each
    steps = [list(chain(*together[i : i + count])) for i in range(0, len(together), count)]
    assert learnt(steps) == learnt(one)
    assert sorted(chain(*learnt(steps))) == list(range(COUNT))


def test_one_process_fills_up_nothing() -> None:
    (batches,) = passes(BATCH, 1)
    assert [len(batch) for batch in batches] == [4, 4, 2]


def test_a_blank_is_read_and_adds_nothing(checkpoints, tmp_path) -> None:
    """Neither to the loss, nor to the count of answers; a pass of blanks still has gradients."""
    config = TrainConfig.model_validate({"latents": {"num": 2}, "lora": {"dropout": 0.0}})
    model, arm = livr.load(checkpoints("qwen3_vl")), variant("livr")
    equip(model, arm, config)
    stage = stages_of(arm, config)[0]
    learner = Learner(model, stage, config).train()
    data = EncodedSet(model, load_split(tiny.dataset(tmp_path, train=3, val=1), "train"))
    collate = collator(data, stage.prefix)
    alone, filled = collate([data[0]]), collate([data[0], data[Blank(1)]])
    assert (filled["labels"] != IGNORE).sum() == (alone["labels"] != IGNORE).sum()
    torch.testing.assert_close(learner(filled["batch"]), learner(alone["batch"]))
    nothing = learner(collate([data[Blank(0)], data[Blank(2)]])["batch"])
    assert nothing.shape == (0,)
    nothing.sum().backward()
    moving = [p for p in learner.parameters() if p.requires_grad]
    assert all(p.grad is not None and not p.grad.any() for p in moving)
