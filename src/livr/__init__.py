"""LIVR: Latent Implicit Visual Reasoning. torch is imported by the first thing that needs it.

model = livr.load("Qwen/Qwen3-VL-4B-Instruct")    # a hub id, a folder, or "mini"
run = livr.train(model, "my_parts/"); livr.evaluate(run, "my_parts/"); livr.export(run, "out/")
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

TYPE_CHECKING = False  # `typing` itself takes long, and Ctrl-C is not dealt with before `livr.cli`
if TYPE_CHECKING:
    from livr.analysis.audit.run import audit as audit
    from livr.data.example import Example as Example
    from livr.errors import LivrError as LivrError
    from livr.evaluate.predict import predict as predict
    from livr.evaluate.run import evaluate as evaluate
    from livr.export.api import export as export
    from livr.model.load import load as load
    from livr.model.model import Model as Model
    from livr.train.api import train as train

_PUBLIC = {
    "Example": "livr.data.example",
    "LivrError": "livr.errors",
    "Model": "livr.model.model",
    "audit": "livr.analysis.audit.run",
    "evaluate": "livr.evaluate.run",
    "export": "livr.export.api",
    "load": "livr.model.load",
    "predict": "livr.evaluate.predict",
    "train": "livr.train.api",
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("livr")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'livr' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `livr.train` the function even after the subpackage `livr.train` was imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in _PUBLIC):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
