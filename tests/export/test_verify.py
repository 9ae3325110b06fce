"""When an export's answer may differ from the run's, and how exactly both are computed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import livr
from livr.errors import ModelError
from livr.export import api, fresh
from livr.export.fresh import full_float32
from livr.export.verify import compare_answers
from tests import tiny


def test_tokens_that_are_never_said_are_no_candidates() -> None:
    """The best token is barred: the run chose between the others, which lie 3 apart."""
    logits = torch.tensor([[9.0, 4.0, 1.0]])
    one = SimpleNamespace(prompt=[1], text="yes", logits_TV=logits, example=tiny.examples()[0])
    got = [{"prompt": [1], "text": "no"}]
    with pytest.raises(ModelError, match="the run answers 'yes'"):
        compare_answers([one], got, drift=1.0, unsayable=[0])
    assert compare_answers([one], got, drift=2.0, unsayable=[0]) == 0


def newer_names() -> list[Any]:
    """Where torch keeps how exactly it multiplies, under the newer of two sets of names."""
    backends: Any = torch.backends
    own = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]
    return [*own, backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn]


def precisions() -> list[Any]:
    """All that torch says about it."""
    older = (torch.get_float32_matmul_precision, lambda: torch.backends.cudnn.allow_tf32)
    return [*map(read, older), *(part.fp32_precision for part in newer_names())]


def read(setting: Callable[[], object]) -> object:
    try:
        return setting()
    except RuntimeError:  # as torch does where older and newer names say different things
        return "mixed"


EXACT = ["highest", False, *["ieee"] * 6]


@pytest.fixture
def restored() -> Iterator[None]:
    """torch's own settings after the test."""
    yield
    backends: Any = torch.backends
    for part in (backends, *newer_names()):
        part.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    backends.cudnn.allow_tf32 = True


def by_old_names() -> None:
    torch.set_float32_matmul_precision("high")


def for_bfloat16() -> None:
    torch.set_float32_matmul_precision("medium")


def by_new_names() -> None:
    backends: Any = torch.backends
    backends.cuda.matmul.fp32_precision = backends.cudnn.conv.fp32_precision = "tf32"


def everywhere() -> None:
    backends: Any = torch.backends
    backends.fp32_precision = "tf32"


ALLOWED = [by_old_names, for_bfloat16, by_new_names, everywhere]


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("allow", ALLOWED)
def test_products_are_exact_inside_and_as_before_afterwards(allow) -> None:
    allow()
    before = precisions()
    assert before != EXACT
    with full_float32():
        assert precisions() == EXACT
    assert precisions() == before
    with pytest.raises(ZeroDivisionError), full_float32():
        raise ZeroDivisionError
    assert precisions() == before


def test_what_the_environment_allows_is_not_used() -> None:
    code = "from livr.export.fresh import full_float32; from tests.export import test_verify as t\n"
    code += (
        "assert t.precisions()[0] == 'high'\nwith full_float32(): assert t.precisions() == t.EXACT"
    )
    env = {**os.environ, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


@pytest.mark.usefixtures("restored", "in_process")
@pytest.mark.parametrize("fails", [False, True])
def test_an_export_is_compared_with_exact_products(fails, trained, tmp_path, monkeypatch) -> None:
    """The run, merging it, the merged model, and the folder in its own process."""
    run = trained("qwen3_vl")
    by_old_names()
    before, seen = precisions(), {}

    def note(module: Any, name: str) -> None:
        right = getattr(module, name)

        def noting(*words: Any, **options: Any) -> Any:
            seen[name] = precisions()
            return right(*words, **options)

        monkeypatch.setattr(module, name, noting)

    for module, name in ((api, "answers_of"), (api, "merge"), (api, "answer_logits")):
        note(module, name)
    if fails:
        monkeypatch.setattr(fresh, "load_model", None)
        with pytest.raises(TypeError):
            livr.export(run, tmp_path / "out")
    else:
        livr.export(run, tmp_path / "out")
    assert seen == dict.fromkeys(("answers_of", "merge", "answer_logits"), EXACT)
    assert precisions() == before


@pytest.mark.usefixtures("restored")
def test_the_process_of_its_own_multiplies_exactly(tmp_path, monkeypatch) -> None:
    by_old_names()
    before, seen = precisions(), []
    monkeypatch.setattr(fresh, "load_processor", lambda *words: seen.append(precisions()))
    with pytest.raises(AttributeError):  # there is no processor to go on with
        fresh.main(["folder", str(tmp_path), "cpu"])
    assert seen == [EXACT]
    assert precisions() == before
