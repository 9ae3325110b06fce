"""A vision-language model, with or without latents, asked under either rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from livr.backbones.backbone import logits_where
from livr.data.example import Example
from livr.errors import ConfigError
from livr.method.attention import Evaluation
from livr.model.batch import Batch, Side
from livr.model.compress import remember
from livr.model.encoder import ROOM, Encoded
from livr.model.prompter import Features, Prompter, Use

__all__ = ["Features", "Model", "Use", "need_batch_size"]

Asked = TypeVar("Asked")
Item = TypeVar("Item")


def need_batch_size(size: int) -> None:
    """Refuse a batch size that answers nothing.

    Raises:
        ConfigError: It is below 1.
    """
    if size < 1:
        raise ConfigError(f"batch_size={size}: give 1 or more, the examples per forward pass")


class Model(Prompter):
    """A transformers model, its processor, and perhaps latents: it scores answers and gives them.

    Attributes: those of `Prompter`.
    """

    def answer_logits(self, batch: Batch) -> Tensor:
        """(N, V) logits that predict `batch.targets_N`, under the rule in force."""
        return logits_where(self.hf, batch.inputs, batch.keep_BT)

    @torch.no_grad()
    def logits(
        self,
        examples: Sequence[Example],
        mask: str = "ordinary",
        latents: Use = "keep",
        *,
        side: Side = "left",
        evaluation: Evaluation = "mask",
        batch_size: int = 16,
    ) -> list[Tensor]:
        """Teacher-forced logits of the answers.

        Args:
            examples: With answers.
            mask: Name of a policy, `ordinary` or `bottleneck`.
            latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
            side: Padding side.
            evaluation: How a rule is evaluated.
            batch_size: Examples per forward pass.

        Returns:
            Per example (T_answer, V) float32: row t scores answer token t. The last token is the
            end of turn.

        Raises:
            ConfigError: An argument is wrong.
        """

        def run(chunk: Sequence[Example]) -> list[Tensor]:
            batch = self.batch(self.encode(chunk, latents, answer=True), side)
            with self.rule(mask, batch, evaluation):
                logits = self.answer_logits(batch)
            lengths: list[int] = batch.keep_BT.sum(1).tolist()
            return list(torch.split(logits.float(), lengths))

        return self._in_chunks(run, examples, batch_size)

    @torch.no_grad()
    def log_likelihoods(
        self,
        examples: Sequence[Example],
        answers: Sequence[Sequence[str]],
        mask: str = "ordinary",
        latents: Use = "keep",
        *,
        batch_size: int = 32,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Tensor]:
        """How likely the model is to write each of several answers (ours).

        Args:
            examples: Their own answers are not looked at.
            answers: For each example, the C answers to weigh; C may differ.
            mask: Name of a policy, in force for prompt and answer.
            latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
            batch_size: Pairs of question and answer per forward pass.
            on_progress: Called with the number of pairs just weighed.

        Returns:
            Per example (C,) float32: natural logarithm of the probability of exactly this answer,
            the end of turn included, so that long and short answers can be compared.

        Raises:
            ConfigError: An argument is wrong.
        """

        def run(pairs: Sequence[tuple[Example, str]]) -> list[Tensor]:
            asked = {id(example): example for example, _ in pairs}
            prompts = self.encode(list(asked.values()), latents, answer=False)
            kept = self.image_features(prompts) if self.can_keep_features else None
            number = {key: i for i, key in enumerate(asked)}
            which = [number[id(example)] for example, _ in pairs]
            said = zip(which, pairs, strict=True)
            rows = [self.encoder.answered(prompts[i], answer) for i, (_, answer) in said]
            batch = self.batch(rows, "left", None if kept is None else [kept[i] for i in which])
            with self.rule(mask, batch):
                scores_NV = self.answer_logits(batch).float().log_softmax(-1)
            scores_N = scores_NV.gather(1, batch.targets_N[:, None])[:, 0]
            if on_progress is not None:
                on_progress(len(pairs))
            lengths: list[int] = batch.keep_BT.sum(1).tolist()
            return [part.sum().cpu() for part in torch.split(scores_N, lengths)]

        pairs = [(e, a) for e, several in zip(examples, answers, strict=True) for a in several]
        found = iter(self._in_chunks(run, pairs, batch_size))
        return [torch.stack([next(found) for _ in several]) for several in answers]

    @torch.no_grad()
    def generate(
        self,
        examples: Sequence[Example],
        mask: str = "ordinary",
        latents: Use = "keep",
        *,
        max_new_tokens: int = ROOM,
        batch_size: int = 32,
        compress: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Answer questions, greedily.

        Args:
            examples: Their answers are not looked at.
            mask: Name of a policy, in force for the prompt and every generated token.
            latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
            max_new_tokens: Longest answer.
            batch_size: Examples per forward pass.
            compress: Forget the image once the prompt is read. The answers are the same; needs
                latents and a mask that hides the image from the answer, see `livr.model.compress`.
            on_progress: Called with the number of examples just answered.

        Returns:
            The answers as text, special tokens removed.

        Raises:
            ConfigError: An argument is wrong.
        """

        def run(chunk: Sequence[Example]) -> list[str]:
            encoded = self.encode(chunk, latents, answer=False)
            if compress:
                answers = remember(self, encoded, mask).answer(max_new_tokens)
            else:
                answers = self.generate_encoded(encoded, mask, max_new_tokens=max_new_tokens)
            if on_progress is not None:
                on_progress(len(chunk))
            return answers

        return self._in_chunks(run, examples, batch_size)

    @torch.no_grad()
    def generate_encoded(
        self,
        encoded: Sequence[Encoded],
        mask: str = "ordinary",
        *,
        features: Features | None = None,
        max_new_tokens: int = ROOM,
    ) -> list[str]:
        """`generate` for one batch of encoded prompts, with known image features if given."""
        batch = self.batch(encoded, "left", features)
        with self.rule(mask, batch):
            ids_BT = self.hf.generate(
                **batch.inputs,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                num_beams=1,
                repetition_penalty=1.0,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=self.end_ids(),
                pad_token_id=self.encoder.end_of_turn,
                suppress_tokens=self.unsayable_ids(),
            )
        answers = ids_BT[:, batch.roles_BT.shape[1] :]
        texts: list[str] = self.tokenizer.batch_decode(answers, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def in_words(self, latents: Use) -> Use | str:
        """Which latents take part if `latents` are asked for, as results say it."""
        return latents if self.most_latents else "none"

    def room_for(self, answers: Iterable[str]) -> int:
        """Tokens to leave for an answer: `ROOM`, or twice the longest right answer (ours)."""
        rows = self.tokenizer([*answers, ""], add_special_tokens=False)["input_ids"]
        return max(ROOM, 2 * max(map(len, rows)))

    def unsayable_ids(self) -> list[int]:
        """Tokens that are never output: the latents, the placeholder of images, and what the
        checkpoint itself bars, as an export does its latents."""
        barred = self.hf.generation_config.suppress_tokens or ()
        return sorted({self.image_token_id, *(self.latents.ids if self.latents else ()), *barred})

    def end_ids(self) -> list[int]:
        """Tokens that end an answer."""
        known = self.hf.generation_config.eos_token_id
        known = [] if known is None else known if isinstance(known, list) else [known]
        return sorted({self.encoder.end_of_turn, *known})

    def _in_chunks(
        self,
        run: Callable[[Sequence[Asked]], list[Item]],
        examples: Sequence[Asked],
        size: int,
    ) -> list[Item]:
        need_batch_size(size)
        if isinstance(examples, Example):
            raise ConfigError("one example is given where a list is wanted; write [example]")
        training = self.hf.training
        self.hf.eval()
        try:
            chunks = (examples[i : i + size] for i in range(0, len(examples), size))
            return [item for chunk in chunks for item in run(chunk)]
        finally:
            self.hf.train(training)
