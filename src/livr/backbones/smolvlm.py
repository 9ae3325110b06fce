"""SmolVLM's processor without its video half, which needs torchvision and num2words."""

from __future__ import annotations

from typing import Any

from transformers import ProcessorMixin, SmolVLMProcessor


class SmolVLMImageTextProcessor(SmolVLMProcessor):  # type: ignore[misc]
    """SmolVLM's own image and text code; the constructor names no video processor.

    transformers reads a processor's parts from the arguments of its constructor.
    """

    def __init__(  # type: ignore[no-untyped-def]
        self, image_processor=None, tokenizer=None, chat_template=None, image_seq_len=169, **kwargs
    ):
        names = {
            "fake_image_token": "<fake_token_around_image>",
            "image_token": "<image>",
            "end_of_utterance_token": "<end_of_utterance>",
            "global_image_token": "<global-img>",
            "video_token": "<video>",
        }
        for name, default in names.items():
            setattr(self, name, getattr(tokenizer, name, default))
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.image_seq_len = image_seq_len
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    def apply_chat_template(self, conversation: Any, **kwargs: Any) -> Any:
        """Render a conversation; see `ProcessorMixin.apply_chat_template`."""
        return ProcessorMixin.apply_chat_template(self, conversation, **kwargs)
