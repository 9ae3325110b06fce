"""Proof that an exported folder is the run: same prompts, same answers, same logits.

Three models answer the same questions: the run itself, the merged model in memory, and the folder
on disk in a process of its own that cannot import livr. All compute in fp32, and TF32 is off for as
long as that takes (`fresh.full_float32`). The merged model must equal the run, and the folder must
equal the merged model after its weights were rounded to the precision they are stored in; so a
wrong merge cannot hide behind rounding.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from livr.backbones.backbone import logits_where
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import LivrError, ModelError
from livr.export import fresh
from livr.model.batch import Batch
from livr.model.encoder import chat_content, read_image
from livr.model.model import Model

TOLERANCE = 1e-3
"""Largest difference between logits that must be equal, in standard deviations of the logits."""
EXAMPLES = 6


@dataclass(frozen=True)
class Expected:
    """One question and what the run makes of it.

    Attributes:
        example: The question; its answer is the run's own.
        prompt: The prompt's token ids.
        answer: Token ids of the run's answer, end of turn included.
        answer_type: Token type of answers, for families that want token types.
        batch: The question and answer as the model reads them.
        text: The run's answer.
        logits_TV: Its teacher-forced logits on that answer, (T_answer, V) fp32 on the CPU.
    """

    example: Example
    prompt: list[int]
    answer: list[int]
    answer_type: int
    batch: Batch
    text: str
    logits_TV: Tensor


def questions(data: Path | None) -> tuple[list[Example], str]:
    """A few questions from the run's data; two about made pictures where the data is gone."""
    for split in ("test", "val", "train"):
        try:
            found = load_split(data, split) if data is not None else []
        except LivrError:
            continue
        if found:
            picked = found[:: max(1, len(found) // EXAMPLES)][:EXAMPLES]
            return picked, f"{split} split of {data.name if data is not None else ''}"
    gradient = Image.radial_gradient("L").resize((128, 96)).convert("RGB")
    one = Example(id="made-1", images=(gradient,), question="What is this?")
    two = Example(
        id="made-2",
        images=(gradient, gradient.rotate(90, expand=True)),
        question="Which of the two images is wider?",
        choices=("the first", "the second"),
    )
    return [one, two], "made pictures (the run's data was not found)"


def answers_of(model: Model, examples: Sequence[Example]) -> list[Expected]:
    """What the run says."""
    found = []
    for example in examples:
        text = model.generate([example], max_new_tokens=fresh.MAX_NEW_TOKENS)[0]
        said = example.model_copy(update={"answer": text})
        row = model.encode([said], "keep", answer=True)[0]
        batch = model.batch([row])
        logits_TV = answer_logits(model.hf, batch)
        ids = row.ids_T.tolist()
        prompt, answer = ids[: row.answer_start], ids[row.answer_start :]
        found.append(Expected(said, prompt, answer, row.answer_type, batch, text, logits_TV))
    return found


@torch.no_grad()
def answer_logits(hf: Any, batch: Batch) -> Tensor:
    """Logits of the answer of a batch with one example, (T_answer, V) fp32 on the CPU."""
    logits_TV = logits_where(hf, batch.inputs, batch.keep_BT).float().cpu()
    return logits_TV.reshape(-1, logits_TV.shape[-1])


def ask_fresh_process(
    folder: Path,
    work: Path,
    expected: Sequence[Expected],
    device: str,
    *,
    base: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> tuple[list[dict[str, Any]], list[Tensor]]:
    """Answers and logits of `folder` from a process in which livr cannot be imported.

    Args:
        folder: The exported folder.
        work: An empty folder for questions and answers.
        expected: The questions.
        device: Where the model runs.
        base: The checkpoint to put `folder` on, if it is an adapter.
        revision: The commit of `base`, if it is on the hub.
        trust_remote_code: Whether code in `folder` and `base` may run.

    Raises:
        ModelError: It cannot be loaded there; with the last lines of that process.
    """
    asked = []
    for n, one in enumerate(expected):
        content: list[dict[str, Any]] = [dict(item) for item in chat_content(one.example)]
        images = iter(one.example.images)
        for k, item in enumerate(content):
            if item["type"] == "image":
                item["image"] = f"{n}-{k}.png"
                read_image(next(images), one.example.id).save(work / item["image"])
        asked.append({"content": content, "answer": one.answer, "type": one.answer_type})
    (work / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    command = [sys.executable, "-P", str(fresh.__file__), str(folder), str(work), device]
    command += ["--base", base] if base else []
    command += ["--revision", revision] if base and revision else []
    command += ["--trust-remote-code"] if trust_remote_code else []
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-4:])
        raise ModelError(f"plain transformers cannot use the exported folder:\n{tail}")
    answers = json.loads((work / "answers.json").read_text(encoding="utf-8"))
    logits = load_file(work / "logits.safetensors")
    return answers, [logits[str(i)] for i in range(len(answers))]


def difference(ones: Sequence[Tensor], others: Sequence[Tensor], barred: range) -> float:
    """Largest difference of logits. Latents do not count: they are never said, and where input
    and output embedding are one, baking their rows changes their own logits and no others."""
    worst = 0.0
    for one_TV, other_TV in zip(ones, others, strict=True):
        width = min(one_TV.shape[1], other_TV.shape[1])
        gap_TV = (one_TV[:, :width] - other_TV[:, :width]).abs()
        gap_TV[:, barred.start : barred.stop] = 0
        worst = max(worst, gap_TV.max().item() if gap_TV.isfinite().all() else float("inf"))
    return worst


def deviation(logits: Sequence[Tensor]) -> float:
    """Standard deviation of all logits: the scale that differences are read by."""
    return torch.cat([one_TV.flatten() for one_TV in logits]).std().item()


def compare_answers(
    expected: Sequence[Expected],
    answers: Sequence[dict[str, Any]],
    drift: float,
    unsayable: Sequence[int],
) -> int:
    """Number of equal answers.

    Two answers may differ only where the run itself was undecided: two tokens closer together
    than twice `drift`, the difference that rounding the weights makes.

    Args:
        expected: The questions and the run's answers.
        answers: Those of the exported folder.
        drift: Largest difference of logits between the two.
        unsayable: Tokens that are never said, so they are no candidates.

    Raises:
        ModelError: Prompts differ, or answers differ where the run was sure.
    """
    same = 0
    for one, got in zip(expected, answers, strict=True):
        if got["prompt"] != one.prompt:
            raise ModelError(
                f"question {one.example.id}: the exported folder reads another prompt than the "
                f"run ({len(got['prompt'])} tokens, the run {len(one.prompt)}); its template, "
                "tokenizer or pixel budget is wrong"
            )
        if got["text"] == one.text:
            same += 1
            continue
        allowed_TV = one.logits_TV.clone()
        allowed_TV[:, list(unsayable)] = -torch.inf
        first_T, second_T = allowed_TV.topk(2).values.unbind(1)
        if (first_T - second_T).min().item() > 2 * drift:
            raise ModelError(
                f"question {one.example.id}: the run answers {one.text!r}, the exported folder "
                f"{got['text']!r}; with --dtype float32 nothing is rounded"
            )
    return same


def must_agree(what: str, found: float, scale: float) -> None:
    """Refuse logits that must be equal and are not.

    Args:
        what: What is wrong then, for people.
        found: The largest difference.
        scale: The logits' standard deviation.

    Raises:
        ModelError: The difference is larger than `TOLERANCE` allows.
    """
    if not found <= TOLERANCE * max(scale, 1e-6):
        raise ModelError(
            f"{what}: logits differ by up to {found:.3g}, more than rounding explains (they spread "
            f"by {scale:.3g}); nothing was written. This is a bug in livr or in peft"
        )
