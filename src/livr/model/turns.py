"""What a checkpoint's chat template writes around an answer, in tokens."""

from __future__ import annotations

from typing import Any

from livr.errors import ModelError

_SAID = "ANSWER"


class Turns:
    """Where an answer begins and ends in a conversation.

    Args:
        processor: The checkpoint's processor, with its chat template.

    Attributes:
        end: The token with which the template ends an answer; the model learns to say it.

    Raises:
        ModelError: Nothing ends an answer.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.end = self._find_end()
        self._asked, self._gap = self._find_gap()

    def answer(self, text: str) -> list[int]:
        """Token ids of an answer as the template writes it.

        Some templates (SmolVLM, Idefics3) put a space between header and answer. A byte-level
        vocabulary makes it part of the first word, and the model knows its answers that way.
        """
        if self._gap:
            begun, whole = self._ids(self._asked), self._ids(self._asked + self._gap + text)
            # Elsewhere the space belongs to the header, which has ended before.
            if whole[: len(begun)] == begun:
                return whole[len(begun) :]
        return self._ids(text)

    def after(self, question: str) -> list[int]:
        """Token ids from the end of an answer through a further question to the next answer."""
        turn = {"role": "user", "content": [{"type": "text", "text": question}]}
        return self._ids(self._written(turn, prompt=True).partition(_SAID)[2])

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _written(self, *more: dict[str, Any], said: bool = True, prompt: bool = False) -> str:
        """A question, its answer if `said`, and further messages, as the template writes them."""
        messages = [{"role": "user", "content": [{"type": "text", "text": "Q"}]}]
        if said:
            messages += [{"role": "assistant", "content": [{"type": "text", "text": _SAID}]}]
        text: str = self.processor.apply_chat_template(
            [*messages, *more], tokenize=False, add_generation_prompt=prompt
        )
        return text

    def _find_end(self) -> int:
        tail = self._written().partition(_SAID)[2]
        ids = self._ids(tail) if tail else []
        # Not every family lists its turn markers among the named special tokens (Gemma).
        added = self.tokenizer.added_tokens_decoder.get(ids[0]) if ids else None
        end = ids[0] if added is not None and added.special else None
        end = self.tokenizer.eos_token_id if end is None else end
        if end is None:
            raise ModelError("the tokenizer has no token that ends an answer (eos_token)")
        return int(end)

    def _find_gap(self) -> tuple[str, str]:
        """A question up to the answer, and the blanks that the template has between the two."""
        asked = self._written(said=False, prompt=True)
        head = self._written().partition(_SAID)[0]
        gap = head.removeprefix(asked) if head.startswith(asked) else ""
        # What is more than blanks (the empty thoughts of some templates) is not ours to say.
        return asked, "" if gap.strip() else gap
