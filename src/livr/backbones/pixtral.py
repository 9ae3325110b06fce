"""Pixtral's placeholders without torchvision, which the stock class imports for one helper."""

from __future__ import annotations

from typing import Any

from transformers import ProcessorMixin


class PixtralImageTextProcessor(ProcessorMixin):  # type: ignore[misc]
    """Images and text of Pixtral and Mistral 3.

    An image of r x c patches becomes r rows of c placeholders; a break marker ends each row but
    the last, an end marker the last. Markers are text: they carry no pixels.
    """

    def __init__(  # type: ignore[no-untyped-def]
        self,
        image_processor=None,
        tokenizer=None,
        chat_template=None,
        patch_size=16,
        spatial_merge_size=1,
        image_token="[IMG]",
        image_break_token="[IMG_BREAK]",
        image_end_token="[IMG_END]",
        **kwargs,
    ):
        super().__init__(image_processor, tokenizer, chat_template=chat_template)
        self.side = patch_size * spatial_merge_size
        self.image_token = image_token
        self.image_break_token = image_break_token
        self.image_end_token = image_end_token
        markers = (image_token, image_break_token, image_end_token)
        self._marker_ids = [tokenizer.convert_tokens_to_ids(marker) for marker in markers]
        self.image_token_id = self._marker_ids[0]

    @property
    def image_token_ids(self) -> list[int]:
        """Placeholders and markers."""
        return list(self._marker_ids)

    def _process_images(self, images: Any, **options: Any) -> Any:
        return super()._process_images(images, **options | {"patch_size": self.side})

    def replace_image_token(self, image_inputs: Any, image_idx: int, **options: Any) -> str:
        """The placeholders of one image; called by transformers."""
        height, width = (int(n) // self.side for n in image_inputs["image_sizes"][image_idx])
        rows = [self.image_token * width] * height
        return str(self.image_break_token.join(rows) + self.image_end_token)
