"""What should be known of the pictures of a data set that can all be read."""

from __future__ import annotations

from dataclasses import dataclass

from livr.data.inspection import Inspected


@dataclass
class _Group:
    """Pictures that one note is about: the first, how many, and the most that one of them has."""

    first: str = ""
    count: int = 0
    most: int = 0

    def add(self, name: str, value: int) -> None:
        self.first = self.first or name
        self.count += 1
        self.most = max(self.most, value)

    def __str__(self) -> str:
        return f"{self.count:,} picture(s), the first {self.first},"


class PictureNotes:
    """Remembers what is no fault of a picture. Each picture is given once."""

    def __init__(self) -> None:
        self._deep = 0
        self._dim, self._paged = _Group(), _Group()
        self._low, self._high = _Group(), _Group()

    def see(self, name: str, seen: Inspected) -> None:
        """Takes in a sound picture.

        Args:
            name: Its path in the row.
            seen: What was found in it.
        """
        if seen.pages > 1:
            self._paged.add(name, seen.pages)
        if seen.levels is None:
            return
        self._deep += 1
        if seen.levels.dim:
            self._dim.add(name, seen.levels.highest)
        if not seen.levels.named:
            group = self._low if seen.levels.highest <= 255 else self._high
            group.add(name, seen.levels.highest)

    def notes(self) -> list[str]:
        """Returns one note for all pictures that have the same in common."""
        found = []
        if self._dim.count:
            found.append(self._dark())
        if self._low.count and self._high.count:
            found.append(
                f"{self._low} have 32 bits per channel and no value above 255, and are read as "
                f"8 bits; {self._high} have larger values and are read as 16 bits. Such files do "
                "not say which value is white, so a dark picture among them is read too bright: "
                "save all of them with 8 or 16 bits"
            )
        if self._paged.count:
            found.append(
                f"{self._paged} have several pages or frames (up to {self._paged.most:,}), of "
                "which the first alone is read; save the one that is meant as a picture of its own"
            )
        return found

    def _dark(self) -> str:
        bits = max(8, self._dim.most.bit_length())
        how = f"divide their values by {1 << (bits - 8)}" if bits > 8 else "keep their values"
        return (
            f"{self._dim} of {self._deep:,} with more than 8 bits per channel hold no value above "
            f"{self._dim.most:,}. White is 65,535, so the model sees them almost black; if their "
            f"white is {(1 << bits) - 1:,} ({bits} bits), save them with 8 bits: {how}"
        )
