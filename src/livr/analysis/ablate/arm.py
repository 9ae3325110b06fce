"""One variant of a grid: a method, its name there, and settings of its own."""

from __future__ import annotations

from itertools import product
from typing import Any

from pydantic import Field, field_validator, model_validator

from livr.config import Settings
from livr.errors import ConfigError
from livr.method.variants import variant

LOADING = ("max_pixels", "dtype", "trust_remote_code", "load_in_4bit")
"""Settings that a model that is only asked is loaded with."""


class Arm(Settings):
    """One variant of a grid. Just the method's name is enough."""

    method: str
    """A variant of livr.method.variants: zero_shot, sft, livr, latents_only, ..."""
    name: str = ""
    """How results call it. Default: the method."""
    epochs: tuple[float, ...] | None = None
    """Epochs per stage. Default: the grid's for two stages, their sum for one."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the run, `optim.lr: 3.0e-3`; they win over the grid's. Where nothing is trained,
    those that say how the model is loaded: max_pixels, dtype, ..."""
    sweep: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Settings with several values each; every combination is a variant of its own."""

    @model_validator(mode="before")
    @classmethod
    def _method_is_enough(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @field_validator("method")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            return variant(value).name
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _says_nothing_in_vain(self) -> Arm:
        vain = [n for n, given in (("epochs", self.epochs), ("sweep", self.sweep)) if given]
        vain += [f"settings.{name}" for name in self.settings if name not in LOADING]
        if vain and not self.trains:
            raise ValueError(
                f"{self.name or self.method} trains nothing, so {', '.join(vain)} would change "
                f"nothing; leave that out. It may have these settings: {', '.join(LOADING)}"
            )
        return self

    @property
    def trains(self) -> bool:
        """False for a model that is only asked."""
        return bool(variant(self.method).stages)

    def expanded(self, sweep: dict[str, tuple[Any, ...]]) -> list[Arm]:
        """Every combination of the values of its sweep and of the grid's, each with its name."""
        own = {**sweep, **self.sweep} if self.trains else {}
        name = self.name or self.method
        arms = []
        for values in product(*own.values()):
            chosen = dict(zip(own, values, strict=True))
            suffix = "".join(f" {key}={_short(value)}" for key, value in chosen.items())
            update = {"name": name + suffix, "settings": {**self.settings, **chosen}, "sweep": {}}
            arms.append(self.model_copy(update=update))
        return arms


def _short(value: Any) -> str:
    return ",".join(map(_short, value)) if isinstance(value, (list, tuple)) else str(value)
