"""The dry run: what it counts, and its estimates beside measurements."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from livr.cli.verbs import load_verb
from livr.config import TrainConfig, dump
from livr.errors import ConfigError
from livr.method.variants import Variant, variant
from livr.model.model import Model
from livr.train import estimate, measure, plan
from livr.train.cost import Cost, Plan
from livr.train.dataset import EncodedSet
from livr.train.plan import _equipped, _trainable, plan_run
from livr.train.run import train
from livr.train.stage import Learner
from tests import tiny

TIME_FACTOR = 2.0
"""The estimate of time and a whole run's processor time agree within this factor."""
MEMORY_FACTOR = 1.25
FLOP_FACTOR = 1.1


def folder_of(name: str, checkpoints) -> str:
    """A tiny checkpoint of a family, or the embedded model by its name."""
    return name if name == "mini" else str(checkpoints(name))


@pytest.fixture(params=["qwen3_vl"])
def config(request, checkpoints, tmp_path) -> TrainConfig:
    return TrainConfig.model_validate(
        {
            "model": folder_of(request.param, checkpoints),
            "data": tiny.dataset(tmp_path / "data", train=24, val=8),
            "out": tmp_path / "run",
            "epochs": [2, 3],
            "latents": {"num": 4},
            "optim": {"batch_size": 8},
        }
    )


def test_counts_are_those_of_the_run(config) -> None:
    plan = plan_run(config)
    assert not config.out.exists()
    run = train(config)
    done = json.loads((run.path / "train.json").read_text())
    assert plan.trainable == done["trainable_parameters"]
    events = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    last = {e["stage"]: e["step"] for e in events}
    assert plan.steps == (last["stage1"], last["stage2"]) == (6, 9)
    low, middle, high = plan.tokens
    assert low < middle <= high


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("config", ["qwen3_vl", "mini"], indirect=True)
def test_time_within_a_factor_of_a_whole_run(config, monkeypatch) -> None:
    """In processor time of one thread, so that a busy machine and idle spinning do not matter."""
    # Long enough that steps and answers rule, and not the writing of files.
    config = config.model_copy(update={"epochs": (10.0, 15.0)})
    monkeypatch.setattr(measure.time, "perf_counter", time.process_time)
    cost = plan_run(config).costs[0]
    start = time.process_time()
    train(config)
    took = time.process_time() - start
    assert took / TIME_FACTOR < cost.seconds < took * TIME_FACTOR


PEAK = """
import resource, sys
from pathlib import Path
from livr.config import load_recipe
from livr.train.plan import plan_run
from livr.train.run import train
config = load_recipe(Path(sys.argv[2]))
if sys.argv[1] == "plan":
    print(plan_run(config).costs[0].memory)
else:
    train(config)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.parametrize("config", ["qwen3_vl", "mini"], indirect=True)
def test_memory_within_a_factor_of_a_whole_run(config, tmp_path) -> None:
    dump(config, tmp_path / "recipe.yaml")
    found = [
        float(
            subprocess.run(
                [sys.executable, "-c", PEAK, what, str(tmp_path / "recipe.yaml")],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for what in ("plan", "train")
    ]
    assert found[1] / MEMORY_FACTOR < found[0] < found[1] * MEMORY_FACTOR


@pytest.mark.parametrize("tune", ["lora", "full"])
@pytest.mark.parametrize("family", [*tiny.FAMILIES, "mini"])
def test_operations_within_a_factor_of_a_count(family, tune, config, checkpoints) -> None:
    changes = {"model": folder_of(family, checkpoints), "tune": tune, "lora": {"dropout": 0.0}}
    config = TrainConfig.model_validate(config.model_dump() | changes)
    arm = variant("livr")
    model = _equipped(config, arm)
    learner = Learner(model, arm.plan(config.epochs)[1], config).train()
    size = estimate.sizes(model.hf, _trainable(learner), tune == "full")
    data = EncodedSet(model, tiny.examples()[1:2])
    row = data[0][0]
    batch = data.batch([data[0]])
    # The counter sees matrix products only, so attention must be made of them.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        learner(batch).sum().backward()
    found = estimate.step_flops(size, len(row), len(row) - row.answer_start, False)
    # Made of products, attention computes the half that causality hides, too.
    found += 3 * 2 * len(row) ** 2 * size.width * size.layers
    counted = counter.get_total_flops()
    assert counted / FLOP_FACTOR < found < counted * FLOP_FACTOR


def test_bytes_for_the_backward_pass_are_counted_once() -> None:
    weight = torch.nn.Parameter(torch.ones(100, 100))
    x = torch.ones(7, 100)
    with measure._counted() as found:
        y = x @ weight
        (y.exp() + y.exp()).sum()
    # x once, and the results of both exponentials; the weight and y are not kept.
    assert found[0] == 4 * 700 * 3


def test_measuring_moves_nothing(config, monkeypatch) -> None:
    from livr.train import plan as module

    seen = []
    right = module._equipped

    def keep(*args):
        model = right(*args)
        seen.append((model, {n: p.detach().clone() for n, p in model.hf.named_parameters()}))
        return model

    monkeypatch.setattr(module, "_equipped", keep)
    plan_run(config)
    model, before = seen[0]
    assert all(torch.equal(p, before[n]) for n, p in model.hf.named_parameters())


def test_a_named_gpu(config) -> None:
    plan = plan_run(config, "rtx-6000-ada")
    assert [c.machine for c in plan.costs] == ["this machine", "RTX 6000 Ada"]
    fields = plan.fields()
    assert "a few steps" in fields["time, this machine"]
    assert "estimated" in fields["time, RTX 6000 Ada"]
    assert "GiB" in fields["memory, RTX 6000 Ada"]
    with pytest.raises(ConfigError, match="choose one of A100, H100"):
        plan_run(config, "GTX 1080")


class TestPrecisions:
    """What is measured in this machine's precision is needed in that of another."""

    BYTES = 1 << 20
    """Features of an example, and activations, in float32."""

    @pytest.fixture
    def cost(self, config, monkeypatch) -> Callable[..., Cost]:
        """`cost(features, activations, **settings)`: on an A100, after these were measured."""
        right = plan._equipped

        def equipped(config: TrainConfig, arm: Variant) -> Model:
            """Four bits need a GPU; their model computes in float32 but for the linear layers."""
            here = {"dtype": "float32"} if config.load_in_4bit else {}
            return right(config.model_copy(update={"load_in_4bit": False, **here}), arm)

        monkeypatch.setattr(plan, "_equipped", equipped)
        monkeypatch.setattr(plan, "need_four_bit", lambda: None)

        def of(features: float, activations: float, **settings: object) -> Cost:
            found = measure.Measured(0.0, (0.0, 0.0), 0.0, 0.0, int(activations), features)
            monkeypatch.setattr(plan, "measure", lambda *words: found)
            values = config.model_dump() | {"vision_cache_gib": 0.0} | settings
            return plan_run(TrainConfig.model_validate(values), "A100").costs[1]

        return of

    @pytest.mark.parametrize(
        ("settings", "measured", "features", "activations"),
        [
            ({"dtype": "float32"}, 1.0, 0.5, estimate.HALF_SHARE),
            ({"dtype": "bfloat16"}, 0.5, 0.5, estimate.HALF_SHARE),
            ({"tune": "full"}, 1.0, 1.0, 1.0),
            ({"load_in_4bit": True, "dtype": "bfloat16"}, 1.0, 1.0, 1.0),
        ],
        ids=["float32", "bfloat16", "full", "four bits"],
    )
    def test_memory(self, settings, measured, features, activations, cost) -> None:
        """Of 24 + 8 examples, measured in float32 or in half of its bytes."""
        none = cost(0.0, 0.0, **settings).memory
        found = cost(self.BYTES * measured, 0.0, **settings).memory - none
        assert found == pytest.approx(estimate.SLACK * 32 * self.BYTES * features)
        share = estimate.HALF_SHARE if measured == 0.5 else 1.0
        found = cost(0.0, self.BYTES * share, **settings).memory - none
        assert found == pytest.approx(estimate.SLACK * self.BYTES * activations)

    @pytest.mark.parametrize(
        ("settings", "measured"),
        [({"dtype": "float32"}, 1.0), ({"dtype": "bfloat16"}, 0.5), ({"tune": "full"}, 1.0)],
        ids=["float32", "bfloat16", "full"],
    )
    def test_whether_they_fit_on_disk(self, settings, measured, cost) -> None:
        """In bfloat16 they do, in float32 they are kept in memory."""
        room = {"vision_cache_gib": 32 * self.BYTES * 0.75 / 2**30}
        none = cost(0.0, 0.0, **settings, **room).memory
        found = cost(self.BYTES * measured, 0.0, **settings, **room).memory - none
        wanted = estimate.SLACK * 32 * self.BYTES if "tune" in settings else 0.0
        assert found == pytest.approx(wanted)


def test_published_sizes_are_plausible() -> None:
    """A 4 B model, 500 tokens: LoRA fits an A100, full tuning does not; an H100 is faster."""
    lora = estimate.Sizes(
        3_600_000_000, 389_000_000, 420_000_000, 4_400_000_000, 33_000_000, 36, 4096, False
    )
    full = estimate.Sizes(
        3_600_000_000, 389_000_000, 420_000_000, 4_400_000_000, 3_600_000_000, 36, 4096, True
    )
    a100, h100 = estimate.find_gpu("A100"), estimate.find_gpu("H100")
    kept = 500 * 36 * 400_000
    assert 10 << 30 < estimate.gpu_memory(lora, kept, 0) < a100.memory
    # 16 bytes for each of 3.6 billion numbers alone are 54 GiB.
    assert estimate.gpu_memory(full, kept, 0) > 60 << 30
    flops = estimate.step_flops(lora, 500, 2, checkpointing=False)
    assert 4 * 3.6e9 * 500 < flops < 1.3 * 4 * 3.6e9 * 500
    assert estimate.step_flops(full, 500, 2, False) > flops
    assert estimate.step_flops(lora, 500, 2, True) > flops
    slow, fast = (estimate.step_seconds(g, lora, flops, 1) for g in (a100, h100))
    assert 0.02 < fast <= slow < 0.5


def test_a_machine_that_is_too_small_is_named() -> None:
    cost = Cost("A100", "estimated", 0.0, (10.0,), 90 << 30, 80 << 30)
    plan = Plan({}, (1,), ("stage1",), 1, (1, 1, 1), (cost,))
    assert "does not fit" in plan.fields()["memory, A100"]


@pytest.mark.parametrize("gpu", [gpu.name for gpu in estimate.GPUS.values()])
def test_command_line(gpu, config, tmp_path: Path, capsys) -> None:
    arguments = ["livr", "--model", config.model, "--data", str(config.data), "--dry-run"]
    out = tmp_path / "planned"
    load_verb("train").main([*arguments, "--out", str(out), "--gpu", gpu], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    shown = dict(line.split("  ", 1) for line in lines)
    assert re.search(r" [\d,]+ parameters; [\d,]+ train$", shown["model"])
    assert "(min / median / max)" in shown["tokens per example"]
    for stage in ("stage1", "stage2"):
        assert re.search(r"\d+ steps", shown[stage])
    for machine in ("this machine", gpu):
        assert re.search(r"stage1 .*, stage2 ", shown[f"time, {machine}"])
        assert re.search(r"about [\d.]+ of \d+ GiB", shown[f"memory, {machine}"])
    assert not out.exists()


def test_a_gpu_is_for_dry_runs(config) -> None:
    arguments = ["livr", "--model", config.model, "--data", str(config.data)]
    with pytest.raises(ConfigError, match="needs --dry-run"):
        load_verb("train").main([*arguments, "--gpu", "A100"], standalone_mode=False)
