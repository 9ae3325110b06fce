"""Processors for images and text, without torchvision and without the video half."""

from __future__ import annotations

import inspect
import json
from math import isqrt
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoImageProcessor, AutoTokenizer, ProcessorMixin
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.utils import cached_file

from livr.backbones.family import Family
from livr.backbones.hub import Place, at_revision
from livr.errors import ModelError, UnsupportedModelError

_CONFIG_FILES = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
_PARTS = {"image_processor", "tokenizer", "video_processor", "chat_template", "self", "kwargs"}


def load_processor(
    source: str,
    max_pixels: int | None = None,
    *,
    family: Family | None = None,
    trust_remote_code: bool = False,
) -> Any:
    """The processor of a checkpoint, restricted to images and text.

    The stock processors of several families need torchvision for their video half alone. This
    takes the family's own class and leaves that half out; images and text run its own code.

    Args:
        source: Folder or hub id, with `@revision` behind it if another than the newest.
        max_pixels: Pixel budget of one image, default: the checkpoint's own.
        family: What is special about the checkpoint's family.
        trust_remote_code: Whether code inside the checkpoint may run.

    Returns:
        An instance of the family's processor class.

    Raises:
        ModelError: A file is missing, or names a class that transformers does not have; there is
            no chat template, or not one; a pixel budget is given where there is none to set.
    """
    trust = {"trust_remote_code": trust_remote_code}
    name, at = place = at_revision(source)
    try:
        kind = _processor_class(source, place, trust_remote_code)
        tokenizer = AutoTokenizer.from_pretrained(name, **trust, **at)
        image_processor = AutoImageProcessor.from_pretrained(name, backend="pil", **trust, **at)
        template = _chat_template(source, place, tokenizer)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise ModelError(f"{source}: cannot load its processor: {_first_line(error)}") from error
    template = family.template if template is None and family is not None else template
    if template is None:
        raise ModelError(
            f"{source}: has no chat template; add chat_template.jinja to the checkpoint folder"
        )
    if max_pixels is not None:
        frames = 1 if family is None else family.frames
        limit_pixels(image_processor, max_pixels, source, frames)
    kind = _images_and_text(kind)
    settings = _settings(place, kind)
    try:
        return kind(image_processor, tokenizer, chat_template=template, **settings)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        reason = f"{source}: cannot set up its {kind.__name__} for images and text"
        raise UnsupportedModelError(f"{reason}: {_first_line(error)}") from error


def _images_and_text(kind: type[Any]) -> type[Any]:
    """A subclass whose constructor, which transformers inspects, names no video processor."""
    if kind.__name__ == "SmolVLMProcessor":
        from livr.backbones.smolvlm import SmolVLMImageTextProcessor

        return SmolVLMImageTextProcessor
    if kind.__name__ == "PixtralProcessor":
        from livr.backbones.pixtral import PixtralImageTextProcessor

        return PixtralImageTextProcessor

    class ImageTextProcessor(kind):  # type: ignore[misc]
        def __init__(  # type: ignore[no-untyped-def]
            self, image_processor=None, tokenizer=None, chat_template=None, **kwargs
        ):
            super().__init__(image_processor, tokenizer, chat_template=chat_template, **kwargs)

    ImageTextProcessor.__name__ = kind.__name__
    return ImageTextProcessor


def _settings(place: Place, kind: type[Any]) -> dict[str, Any]:
    """Constructor arguments of the processor that its checkpoint sets (`patch_size`, ...)."""
    # Of the class itself and, behind our subclass, of the family's.
    wanted = {n for base in kind.__mro__[:2] for n in inspect.signature(base).parameters} - _PARTS
    found: dict[str, Any] = {}
    for name in ("preprocessor_config.json", "processor_config.json"):
        found |= {k: v for k, v in _read_json(place, name).items() if k in wanted}
    # patch_size of an image processor means something else where it is not a number.
    return {k: v for k, v in found.items() if not (k == "patch_size" and isinstance(v, dict))}


def _file(place: Place, name: str) -> str | None:
    """A file of the checkpoint on disk; None if it has none of that name."""
    folder, at = place
    found: str | None = cached_file(folder, name, _raise_exceptions_for_missing_entries=False, **at)
    return found


def _read_json(place: Place, name: str) -> dict[str, Any]:
    path = _file(place, name)
    if path is None:
        return {}
    values: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return values


def _processor_class(source: str, place: Place, trust_remote_code: bool) -> type[ProcessorMixin]:
    name, at = place
    for file in _CONFIG_FILES:
        values = _read_json(place, file)
        remote = (values.get("auto_map") or {}).get("AutoProcessor")
        if remote and trust_remote_code:
            own: type[ProcessorMixin] = get_class_from_dynamic_module(remote, name, **at)
            return own
        found = values.get("processor_class")
        if found:
            kind: type[ProcessorMixin] | None = getattr(transformers, found, None)
            if kind is None:
                hint = " (it brings its own code: --trust-remote-code)" if remote else ""
                raise ModelError(f"{source}: {file} names {found}, which transformers lacks{hint}")
            return kind
    raise ModelError(
        f"{source}: no processor_class in {', '.join(_CONFIG_FILES)}; "
        "is this a vision-language checkpoint?"
    )


def _chat_template(source: str, place: Place, tokenizer: Any) -> str | None:
    """The template that transformers' own `AutoProcessor` takes, by its order of files.

    The tokenizer's comes last: it may be the language model's own, which knows no images.

    Raises:
        ModelError: There are several, and nothing says which one is meant.
    """
    found = (
        _read_json(place, "processor_config.json").get("chat_template")
        or _read_json(place, "chat_template.json").get("chat_template")
        or _read_text(place, "chat_template.jinja")
        or tokenizer.chat_template
    )
    if isinstance(found, dict):
        if "default" not in found:
            raise ModelError(
                f"{source}: has {len(found)} chat templates ({', '.join(sorted(found))}), none of "
                "them called default; write the one to be used, which must know images, to "
                "chat_template.jinja in the checkpoint folder"
            )
        found = found["default"]
    return str(found) if found else None


def _read_text(place: Place, name: str) -> str | None:
    path = _file(place, name)
    return None if path is None else Path(path).read_text(encoding="utf-8")


def limit_pixels(image_processor: Any, max_pixels: int, source: str, frames: int = 1) -> None:
    """Set the pixel budget of one image, which is read as `frames` of them.

    What a budget means depends on how a family reads images:

        patches of any size (Qwen, GLM-4V)     area after resizing
        longest edge (Pixtral, Idefics3, ...)  longest edge = root of the budget
        tiles (InternVL)                       as many tiles as fit, at least one

    There is none where an image is read at one size (LLaVA 1.5, Gemma 3, PaliGemma), and none
    where it is cut by a list of shapes that the model's configuration holds, too (LLaVA-NeXT,
    LLaVA-OneVision).

    Raises:
        ModelError: There is no budget to set.
    """
    size = getattr(image_processor, "size", None) or {}
    longest, shortest = _get(size, "longest_edge"), _get(size, "shortest_edge")
    if longest and shortest:
        # Qwen's processors keep the budget, in pixels, under the name longest_edge.
        budget = max_pixels * frames
        image_processor.size = {"shortest_edge": min(shortest, budget), "longest_edge": budget}
    elif longest:
        tile = _get(getattr(image_processor, "max_image_size", None) or {}, "longest_edge") or 1
        image_processor.size = {"longest_edge": max(tile, isqrt(max_pixels))}
    elif getattr(image_processor, "crop_to_patches", None):
        tile = _get(size, "height") * _get(size, "width")
        image_processor.max_patches = max(1, max_pixels // tile)
        image_processor.min_patches = min(image_processor.min_patches, image_processor.max_patches)
    elif getattr(image_processor, "image_grid_pinpoints", None):
        raise ModelError(
            f"{source}: cuts images into tiles by a list of shapes that belongs to the model "
            "(image_grid_pinpoints), there is no pixel budget to set; leave max_pixels unset. "
            "Smaller images take fewer tiles"
        )
    else:
        raise ModelError(
            f"{source}: reads every image at a fixed size, there is no pixel budget to set; "
            "leave max_pixels unset"
        )


def _get(size: Any, name: str) -> Any:
    return size.get(name) if hasattr(size, "get") else getattr(size, name, None)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
