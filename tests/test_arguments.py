"""Values of another kind than the Python interface takes."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from PIL import Image

import livr
from livr.errors import ConfigError

MODEL = object()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: livr.audit("run", "data", tests="blindness"), r"give .*: tests=\['blindness'\]"),
        (lambda: livr.audit("run", None), r"livr.audit: data is None; give str .* Data set folder"),
        (lambda: livr.export(MODEL, "out"), r"model is of type object; give str .*folder of a fin"),
        (lambda: livr.export("run", None), r"livr.export: out is None; give .*It is: The folder"),
        (lambda: livr.train(None, "data"), r"livr.train: model is None; give Model \| str"),
        (lambda: livr.train("mini", MODEL), r"livr.train: data is of type object"),
        (lambda: livr.train("mini", "data", settings="a=b"), r"settings=\['a=b'\]"),
        (lambda: livr.evaluate(None, "data"), r"livr.evaluate: model is None"),
        (lambda: livr.evaluate("run", ["data"]), r"livr.evaluate: data is of type list"),
        (lambda: livr.predict(None, "a.png", "Which?"), r"livr.predict: model is None"),
        (lambda: livr.predict("mini", None, "Which?"), r"images is None; .* path or PIL image"),
    ],
)
def test_an_argument_of_another_kind_is_told_with_what_to_give(call, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        call()


def test_what_may_be_given_is_not_refused() -> None:
    """Each gets as far as the look for a model or a file."""

    class Run:
        def __fspath__(self) -> str:
            return "no such run"

    with pytest.raises(livr.LivrError, match="no such run is no run"):
        livr.export(Run(), Path("out"))
    picture = Image.new("RGB", (8, 8))
    with pytest.raises(livr.LivrError, match="no such folder"):
        livr.predict(Path("no model"), (picture, picture), "Which?", ("a", "b"))


@pytest.mark.parametrize("examples", ["text", ["text"], [["a.png"]]])
def test_what_is_asked_is_a_list_of_examples(examples, checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"))
    for ask in (model.generate, model.logits):
        with pytest.raises(ConfigError, match=r"is no question; give a list of livr.Example"):
            ask(examples)


def test_a_name_that_is_none_stays_an_error_of_python() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'modle'"):
        livr.train("mini", "data", modle="mini")


def test_signature_and_help_are_those_of_the_function() -> None:
    assert list(inspect.signature(livr.train).parameters)[:3] == ["model", "data", "recipe"]
    assert livr.train.__doc__.startswith("Train a model")
