"""Checkpoints with code of their own: it runs if the user says so, and goes with the export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import livr
from livr.cli.console import TrustFlag
from livr.cli.verbs import load_verb
from livr.config import TrainConfig, load_recipe
from livr.errors import ConfigError, ModelError
from livr.train.run import train
from tests import tiny
from tests.families import REMOTE

FLAG = "--trust-remote-code"
CODE = "lookalike.py"
VERBS = ("train", "eval", "predict", "check", "audit", "explain", "export")


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with a checkpoint, data, and a run on both."""
    folder = tmp_path_factory.mktemp("own-code")
    REMOTE(folder / "base")
    values = {
        "model": str(folder / "base"),
        "data": tiny.dataset(folder / "data"),
        "out": folder / "run",
        "epochs": [2, 2],
        "latents": {"num": 4},
        "checkpoint": "last",
        "optim": {"lr": 2e-2, "batch_size": 4},
        "trust_remote_code": True,
    }
    train(TrainConfig.model_validate(values))
    return folder


def words_of(verb: str, work: Path, out: Path) -> list[object]:
    """A short command of each verb that loads a model with code of its own."""
    run, data = work / "run", work / "data"
    return {
        "train": ["train", "sft", "--model", work / "base", "--data", data, "--dry-run"],
        "eval": ["eval", run, "--data", data],
        "predict": ["predict", run, "--image", data / "images/test-0-0.png", "--question", "How?"],
        "check": ["check", work / "base"],
        "audit": ["audit", run, "--data", data, "--test", "blindness"],
        "explain": ["explain", run, "--data", data, "--out", out / "explained"],
        "export": ["export", run, "--out", out / "exported"],
        "data check": ["data", "check", data, "--model", work / "base"],
        "data show": ["data", "show", data, "--tokens", "--model", run, "--out", out],
    }[verb]


@pytest.mark.parametrize("verb", [*VERBS, "data check", "data show"])
def test_without_the_flag_one_message_names_it(verb, work, tmp_path, livr_command) -> None:
    """Although the run was trained with the user's trust: a folder cannot give it."""
    code, out, err = livr_command(*words_of(verb, work, tmp_path))
    assert code == 2
    assert f"allow it with {FLAG}" in err and "Traceback" not in err
    assert not out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["train", "eval", "predict", "data check", "data show"])
def test_with_the_flag_it_works(verb, work, tmp_path, livr_command) -> None:
    code, out, err = livr_command(*words_of(verb, work, tmp_path), FLAG)
    assert code == 0, err
    assert out


def test_a_recipe_cannot_give_trust(work, tmp_path) -> None:
    """The config.yaml of somebody's run is a recipe, too."""
    recipe = work / "run" / "config.yaml"
    with pytest.raises(ConfigError, match=FLAG):
        load_recipe(recipe)
    assert load_recipe(recipe, trust_remote_code=True).trust_remote_code
    assert "trust_remote_code: true" in recipe.read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_one_declaration(verb) -> None:
    command = load_verb(verb)
    found = next(p for p in command.params if FLAG in p.opts)
    (option,) = TrustFlag.__metadata__
    assert (found.help, found.default) == (option.help, False)


def test_audit_and_explain_pass_it_on(work, tmp_path) -> None:
    trust = {"trust_remote_code": True}
    audit = livr.audit(work / "run", work / "data", tests=["blindness"], **trust)
    assert audit.findings
    from livr.analysis.explain import explain

    assert explain(work / "run", work / "data", out=tmp_path, limit=2, **trust).pictures


def test_the_export_brings_the_code(work, tmp_path) -> None:
    """Compared in a process of its own, which may run the code because the user said so."""
    done = livr.export(work / "run", tmp_path / "out", trust_remote_code=True)
    assert done.verification.same_answers == done.verification.questions == 4
    assert (done.path / CODE).read_bytes() == (work / "base" / CODE).read_bytes()
    own, theirs = (
        json.loads((folder / "config.json").read_text()) for folder in (done.path, work / "base")
    )
    assert own["auto_map"] == theirs["auto_map"]
    card = (done.path / "README.md").read_text()
    assert 'AutoModelForCausalLM.from_pretrained("THIS FOLDER", trust_remote_code=True' in card
    with pytest.raises(ModelError, match=FLAG):
        livr.load(done.path)
    exported = livr.load(done.path, trust_remote_code=True)
    run = livr.load(work / "run", trust_remote_code=True)
    assert exported.generate(tiny.examples(5)) == run.generate(tiny.examples(5))


@pytest.mark.usefixtures("in_process")
def test_an_adapter_leaves_the_code_with_its_base(work, tmp_path) -> None:
    done = livr.export(work / "run", tmp_path / "out", adapter=True, trust_remote_code=True)
    assert done.verification.same_answers == done.verification.questions
    assert not list(done.path.glob("*.py"))


def test_without_trust_the_fresh_process_runs_no_code(work, tmp_path, monkeypatch) -> None:
    from livr.export import api

    right = api.ask_fresh_process

    def without(*args, trust_remote_code, **options):
        return right(*args, **options)

    monkeypatch.setattr(api, "ask_fresh_process", without)
    with pytest.raises(ModelError, match="cannot use the exported folder"):
        livr.export(work / "run", tmp_path / "out", trust_remote_code=True)
    assert not (tmp_path / "out").exists()
