"""Arguments of the Python interface: each is of the kind it should be, or an error says so."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from livr.errors import ConfigError

P = ParamSpec("P")
R = TypeVar("R")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Have a public function refuse values of another kind than its annotations say.

    Args:
        function: Its docstring says what each argument is, for the message.

    Returns:
        The same function. It raises a ConfigError before anything else is done.
    """

    @cache
    def kinds() -> dict[str, TypeAdapter[Any]]:
        loose = ConfigDict(arbitrary_types_allowed=True)
        hints = get_type_hints(function)
        del hints["return"]
        return {name: TypeAdapter(kind, config=loose) for name, kind in hints.items()}

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
        for name, value in given.items():
            try:
                kinds()[name].validate_python(value)
            except ValidationError as error:
                raise ConfigError(_what_to_give(function, name, value, error)) from error
        return function(*args, **kwargs)

    return call


def _what_to_give(
    function: Callable[..., Any], name: str, value: Any, error: ValidationError
) -> str:
    if error.errors()[0]["type"] == "sequence_str":
        return f"{name} is one text; give a list of them: {name}=[{value!r}]"
    simple = value is None or isinstance(value, str | int | float)
    shown = repr(value) if simple else f"of type {type(value).__name__}"
    wanted = inspect.signature(function).parameters[name].annotation
    return f"livr.{function.__name__}: {name} is {shown}; give {wanted}{_about(function, name)}"


def _about(function: Callable[..., Any], name: str) -> str:
    """The first sentence of the docstring about an argument."""
    text = inspect.getdoc(function) or ""
    found = re.search(rf"^ +{name}: (.*?)(?=\.\s|\.?\Z)", text, re.M | re.S)
    return "" if found is None else f". It is: {' '.join(found[1].split())}"
