"""Mirage on tiny models: shapes, losses against their formulas, the loop against a reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cosine_similarity, cross_entropy

import livr
from livr.baselines.mirage_model import MAX_SLOTS, MirageModel, MirageRow
from livr.baselines.mirage_training import MirageLearner, MirageSet, targets
from livr.config import TrainConfig
from livr.data.example import Example
from livr.errors import ConfigError, DataError
from livr.method.variants import variant
from livr.train.equip import stages_of
from livr.train.plan import plan_run
from livr.train.run import train
from tests import tiny

K = 3


def with_helpers() -> list[Example]:
    return [
        e.model_copy(update={"helper_images": (tiny.picture(50 + i, (40, 32)),)})
        for i, e in enumerate(tiny.examples())
    ]


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, checkpoints) -> MirageModel:
    return livr.load(checkpoints(request.param), method="mirage")


def learner(model: MirageModel, stage: int) -> MirageLearner:
    config = TrainConfig(method="mirage", epochs=(1, 1))
    return MirageLearner(model, stages_of(variant("mirage"), config)[stage], config).eval()


@torch.no_grad()
def run_with(model: MirageModel, row: MirageRow, contents: torch.Tensor) -> torch.Tensor:
    """(T, D) final states of one sequence whose slots hold `contents`, without Mirage's code."""

    def put(module, inputs, output):
        changed = output.clone()
        for number, content in enumerate(contents):
            changed[0, row.slots.start + number] = content
        return changed

    inputs = livr.Model.batch(model, [row]).inputs
    hook = model.hf.get_input_embeddings().register_forward_hook(put)
    try:
        return model.hf.base_model(**inputs, use_cache=False).last_hidden_state[0]
    finally:
        hook.remove()


def head(model: MirageModel, state: torch.Tensor) -> torch.Tensor:
    return model.hf.get_output_embeddings()(state)


def test_rows_have_slots_between_prompt_and_answer(model) -> None:
    data = MirageSet(model, with_helpers(), num=K)
    batch = data.batch([data[i] for i in range(3)])
    width = model.hf.get_input_embeddings().weight.shape[1]
    assert batch.targets_BKD.shape == (3, K, width)
    assert batch.slots_BT.sum(1).tolist() == [K] * 3
    for b, example in enumerate(tiny.examples()):
        slots = batch.slots_BT[b].nonzero().flatten()
        after = batch.inputs["input_ids"][b, slots[-1] + 1 :]
        said = model.tokenizer.decode(after, skip_special_tokens=True)
        assert said == "\n" + example.answer
        # The first loss is at the last slot, which is to say the line break.
        assert batch.keep_BT[b].nonzero().min() == slots[-1]
        prompt = model.encode([example], "keep", answer=False)[0]
        assert slots[0] == len(batch.slots_BT[b]) - len(after) - K
        before = batch.inputs["input_ids"][b, : slots[0]][-len(prompt) :]
        assert torch.equal(before, prompt.ids_T)


def test_targets_are_means_of_equal_groups(model) -> None:
    example = with_helpers()[0]
    row = model.encode([Example(id="h", images=example.helper_images, question="x")], "keep", False)
    pooled = model.image_features(row)[0][0].pooled_ID
    assert len(pooled) % 2 == 0
    half = len(pooled) // 2
    expected = torch.stack([pooled[:half].mean(0), pooled[half:].mean(0)])
    torch.testing.assert_close(targets(model, example, 2), expected)
    torch.testing.assert_close(targets(model, example, len(pooled)), pooled)
    with pytest.raises(DataError, match="too few for"):
        targets(model, example, len(pooled) + 1)
    with pytest.raises(DataError, match="has none; give it `helper_images`"):
        targets(model, tiny.examples()[0], K)


def test_teacher_forced_loss(model) -> None:
    """0.1 CE + mean over slots of 1 - cos(state before the slot, its target), by hand."""
    data = MirageSet(model, with_helpers(), num=K, cache_vision=False)
    rows = [data[i][0] for i in range(3)]
    got = learner(model, 0)(data.batch([data[i] for i in range(3)]))
    expected = []
    for row in rows:
        states = run_with(model, row, row.targets_KD)
        start = row.slots.start
        near = cosine_similarity(states[start - 1 : start + K - 1], row.targets_KD, -1)
        logits = head(model, states[row.answer_start - 1 : -1])
        text = cross_entropy(logits, row.ids_T[row.answer_start :], reduction="none")
        expected.append(0.1 * text + (1 - near).mean())
    torch.testing.assert_close(got, torch.cat(expected), rtol=1e-4, atol=1e-4)


def test_self_fed_loss(model) -> None:
    """Each slot holds the state before it, one pass after another, by hand."""
    data = MirageSet(model, with_helpers(), num=K, cache_vision=False)
    rows = [data[i][0] for i in range(3)]
    got = learner(model, 1)(data.batch([data[i] for i in range(3)]))
    expected = []
    for row in rows:
        contents = torch.zeros(0, rows[0].targets_KD.shape[1])
        for number in range(K):
            state = run_with(model, row, contents)[row.slots.start + number - 1]
            contents = torch.cat([contents, state[None]])
        logits = head(model, run_with(model, row, contents)[row.answer_start - 1 : -1])
        expected.append(cross_entropy(logits, row.ids_T[row.answer_start :], reduction="none"))
    torch.testing.assert_close(got, torch.cat(expected), rtol=1e-4, atol=1e-4)


def test_gradients_run_through_the_slots(model) -> None:
    """In the self-fed stage the answer's loss reaches what was thought before it."""
    data = MirageSet(model, with_helpers(), num=K)
    batch = data.batch([data[i] for i in range(3)])
    model.hf.get_decoder().norm.weight.requires_grad_(True)
    seen: list[torch.Tensor] = []
    original = model.states

    def watch(batch, contents):
        if contents.requires_grad:
            contents.retain_grad()
            seen.append(contents)
        return original(batch, contents)

    model.states = watch
    learner(model, 1)(batch).sum().backward()
    assert seen[-1].shape[1] == K
    assert (seen[-1].grad.abs().amax((0, 2)) > 0).all()


def reference_answer(model: MirageModel, example: Example, most: int) -> tuple[int, str]:
    """Slots and answer of one example: no batch, no cache, every step a whole pass."""
    prompt = model.encode([example], "keep", answer=False)[0]
    stop, place = model.line_break[0], model.encoder.end_of_turn
    contents = torch.zeros(0, model.width)
    while len(contents) < most:
        row = prompt.with_slots(len(contents), place)
        last = run_with(model, row, contents)[-1]
        if len(contents) and int(head(model, last).argmax()) == stop:
            break
        contents = torch.cat([contents, last[None]])
    row = prompt.with_slots(len(contents), place).extended(model.line_break)
    said: list[int] = []
    while len(said) < 5 and said[-1:] != [place]:
        scores = head(model, run_with(model, row.extended(said), contents)[-1])
        scores[model.unsayable_ids()] = -torch.inf
        said.append(int(scores.argmax()))
    return len(contents), model.tokenizer.decode(said, skip_special_tokens=True).strip()


def test_the_loop_equals_a_step_by_step_reference(model) -> None:
    asked = tiny.examples()
    for use, most in (("keep", MAX_SLOTS), (2, 2), ("drop", 0)):
        answers = model.generate(asked, latents=use, max_new_tokens=5)
        assert answers == [reference_answer(model, e, most)[1] for e in asked]
    with pytest.raises(ConfigError, match="at most 8"):
        model.generate(asked, latents=9)


def test_it_stops_thinking_when_it_would_break_the_line(model) -> None:
    """Make two of three sequences want the line break after different numbers of slots."""
    asked = tiny.examples()
    rows = model.encode(asked, "keep", answer=False)
    _, contents = model.think(rows, "ordinary", None)
    assert contents.shape[1] == MAX_SLOTS
    said = [
        int(head(model, run_with(model, row.with_slots(n, 0), contents[b, :n])[-1]).argmax())
        for b, n in ((0, 2), (1, 5))
        for row in [rows[b]]
    ]
    model.line_break = said[:1]
    thought, _ = model.think(rows, "ordinary", None)
    counts = [len(row.slots) for row in thought]
    assert counts == [reference_answer(model, e, MAX_SLOTS)[0] for e in asked]
    assert 1 <= counts[0] <= 2


def helper_dataset(folder: Path) -> Path:
    tiny.dataset(folder, train=6, val=3)
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    for i, row in enumerate(rows):
        row["helper_images"] = [f"images/helper-{i}.png"]
        tiny.picture(700 + i, (40, 32)).save(folder / row["helper_images"][0])
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    values = {
        "method": "mirage",
        "epochs": [12, 12],
        "model": str(checkpoints("qwen3_vl")),
        "data": helper_dataset(tmp_path / "data"),
        "out": tmp_path / "run",
        "tune": "full",
        "checkpoint": "last",
        "latents": {"num": K},
        "optim": {"lr": 3e-3, "batch_size": 6},
    }
    return TrainConfig.model_validate(values)


def test_a_run_learns_and_is_evaluated_like_any_other(config) -> None:
    run = train(config)
    events = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for stage in ("stage1", "stage2"):
        losses = [e["loss"] for e in events if e["stage"] == stage and "loss" in e]
        assert losses[-1] < losses[0]
    model = livr.load(run.path)
    assert isinstance(model, MirageModel)
    result = livr.evaluate(run, config.data)
    test = livr.evaluate(model, config.data)
    assert [p.text for p in result.predictions] == [p.text for p in test.predictions]
    assert (result.latents, livr.evaluate(model, config.data, latents="drop").latents) == (
        "keep",
        "drop",
    )
    assert json.loads((run.path / "scores.json").read_text())["method"] == "mirage"


def test_the_dry_run_knows_it(config) -> None:
    plan = plan_run(config)
    assert plan.steps == (12, 12)
    assert "mirage" in plan.fields()["method"]


def test_refusals(config, checkpoints, tmp_path) -> None:
    plain = config.model_copy(update={"data": tiny.dataset(tmp_path / "plain")})
    with pytest.raises(DataError, match="learns from helper images"):
        train(plain)
    ordinary = livr.load(checkpoints("qwen3_vl"))
    with pytest.raises(ConfigError, match="method='mirage'"):
        train(config.model_copy(update={"out": tmp_path / "other"}), model=ordinary)
    many = config.latents.model_copy(update={"num": 9})
    changes = {"out": tmp_path / "many", "latents": many}
    with pytest.raises(ConfigError, match="at most 8 latents"):
        train(config.model_copy(update=changes))
