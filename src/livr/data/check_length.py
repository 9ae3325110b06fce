"""Whether an example fits a model, for `livr data check --model`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from livr.data.example import Example
from livr.errors import LivrError


class TokenCount(NamedTuple):
    """Length of one example in tokens: prompt, latents and answer; the share of images."""

    total: int
    image: int


class TokenCounter(Protocol):
    """Knows how long an example becomes for one model.

    Attributes:
        limit: Longest sequence the model takes, in tokens.
        pixels_per_token: Pixels behind one image token, or None if not known.
    """

    limit: int
    pixels_per_token: int | None

    def __call__(self, example: Example) -> TokenCount:
        """Returns the length of one example. May raise a LivrError if it cannot be encoded."""
        ...


def length_problems(example: Example, counter: TokenCounter) -> list[str]:
    """Says by how much an example is too long for a model, and what would fit."""
    try:
        count = counter(example)
    except LivrError as error:
        return [str(error)]
    return over_limit(count, example, counter)


def over_limit(count: TokenCount, example: Example, counter: TokenCounter) -> list[str]:
    """The same for a length that is known."""
    over = count.total - counter.limit
    if over <= 0:
        return []
    text = count.total - count.image
    message = (
        f"the sequence has {count.total:,} tokens ({count.image:,} of them images), {over:,} more "
        f"than the model takes ({counter.limit:,}); image tokens are never cut"
    )
    room = (counter.limit - text) // max(1, len(example.images))
    if room < 1:
        return [f"{message}: the text alone has {text:,} tokens, shorten it or use fewer images"]
    if counter.pixels_per_token is None:
        return [f"{message}: use a smaller pixel budget, at most {room:,} tokens per image fit"]
    return [
        f"{message}: a budget (max_pixels) of at most {room * counter.pixels_per_token:,} pixels "
        "per image fits"
    ]
