"""Processors for images and text, without torchvision and without the video half."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoImageProcessor, AutoTokenizer, ProcessorMixin
from transformers.utils import cached_file

from livr.errors import ModelError

_CONFIG_FILES = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")


def load_processor(source: str, max_pixels: int | None = None) -> Any:
    """The processor of a checkpoint, restricted to images and text.

    The stock processors of several families need torchvision for their video half alone. This
    takes the family's own class and leaves that half out; images and text run its own code.

    Args:
        source: Hub id or folder.
        max_pixels: Pixel budget of one image, default: the checkpoint's own.

    Returns:
        An instance of the family's processor class.

    Raises:
        ModelError: A file is missing, or names a class that transformers does not have.
    """
    try:
        kind = _processor_class(source)
        tokenizer = AutoTokenizer.from_pretrained(source)
        image_processor = AutoImageProcessor.from_pretrained(source, backend="pil")
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise ModelError(f"{source}: cannot load its processor: {_first_line(error)}") from error
    template = tokenizer.chat_template or _template_file(source)
    if template is None:
        raise ModelError(
            f"{source}: has no chat template; add chat_template.jinja to the checkpoint folder"
        )
    if max_pixels is not None:
        _limit_pixels(image_processor, max_pixels, source)
    return _images_and_text(kind)(image_processor, tokenizer, chat_template=template)


def _images_and_text(kind: type[Any]) -> type[Any]:
    """A subclass whose constructor, which transformers inspects, names no video processor."""

    class ImageTextProcessor(kind):  # type: ignore[misc]
        def __init__(  # type: ignore[no-untyped-def]
            self, image_processor=None, tokenizer=None, chat_template=None, **kwargs
        ):
            super().__init__(image_processor, tokenizer, chat_template=chat_template, **kwargs)

    ImageTextProcessor.__name__ = kind.__name__
    return ImageTextProcessor


def _read_json(source: str, name: str) -> dict[str, Any]:
    path = cached_file(source, name, _raise_exceptions_for_missing_entries=False)
    if path is None:
        return {}
    values: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return values


def _processor_class(source: str) -> type[ProcessorMixin]:
    for name in _CONFIG_FILES:
        found = _read_json(source, name).get("processor_class")
        if found:
            kind: type[ProcessorMixin] | None = getattr(transformers, found, None)
            if kind is None:
                raise ModelError(f"{source}: {name} names {found}, which transformers lacks")
            return kind
    raise ModelError(
        f"{source}: no processor_class in {', '.join(_CONFIG_FILES)}; "
        "is this a vision-language checkpoint?"
    )


def _template_file(source: str) -> str | None:
    path = cached_file(source, "chat_template.jinja", _raise_exceptions_for_missing_entries=False)
    if path is not None:
        return Path(path).read_text(encoding="utf-8")
    template = _read_json(source, "chat_template.json").get("chat_template")
    return template if isinstance(template, str) else None


def _limit_pixels(image_processor: Any, max_pixels: int, source: str) -> None:
    size = getattr(image_processor, "size", None)
    if size is None or getattr(size, "longest_edge", None) is None:
        raise ModelError(
            f"{source}: its image processor has no pixel budget; leave max_pixels unset"
        )
    # Qwen's processors keep the budget, in pixels, under the name longest_edge.
    smallest = min(size["shortest_edge"], max_pixels)
    image_processor.size = {"shortest_edge": smallest, "longest_edge": max_pixels}


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
