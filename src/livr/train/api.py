"""`livr.train`: a model, a folder of question-answer pairs and a recipe give a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from livr.arguments import checked
from livr.config import load_recipe
from livr.model.model import Model
from livr.recipes import FOLDER, find_shipped
from livr.train.folder import usual_out
from livr.train.progress import Listener
from livr.train.run import Run
from livr.train.run import train as run_training
from livr.train.start import follow, named, refuse_trained


@checked
def train(
    model: Model | str | PathLike[str],
    data: str | PathLike[str],
    recipe: str | PathLike[str] = "livr",
    *,
    out: str | PathLike[str] | None = None,
    settings: Sequence[str] = (),
    seed: int | None = None,
    trust_remote_code: bool = False,
    resume: bool = False,
    on_progress: Listener | None = None,
) -> Run:
    """Train a model on question-answer pairs.

    Args:
        model: A hub id, a checkpoint folder, `mini`, or a loaded model, which is then trained in
            place. What it was loaded with (`max_pixels`, `dtype`, its latents) becomes part of the
            run's settings and wins over a shipped recipe. To train on from a run, export it first.
        data: Data set folder with train.jsonl, and val.jsonl to choose a checkpoint by.
        recipe: Name of a shipped recipe (`livr`, `sft`, `mirage`) or a YAML file.
        out: Run folder, default `runs/<data>-<method>-<seed>`.
        settings: Changes to the recipe such as `optim.lr=2e-4`.
        seed: Seed of the run.
        trust_remote_code: Run the code that the checkpoint brings.
        resume: Continue an interrupted run.
        on_progress: Told how far the run is.

    Returns:
        The finished run; pass it to `livr.evaluate` or its path to `livr.load`.

    Raises:
        LivrError: A setting, the data or the model is wrong; the message says which and why.
            Settings that a loaded model contradicts are wrong, and so is a model that is trained.

    Source: METHOD section 2 (paper appendix B).
    """
    loaded = model if isinstance(model, Model) else None
    source = model.source if isinstance(model, Model) else os.fspath(model)
    given = {"model": source, "data": Path(data), "seed": seed}
    given["trust_remote_code"] = trust_remote_code or None
    file = find_shipped(Path(recipe))
    config = load_recipe(file, settings, **given)
    if loaded is not None:
        refuse_trained(loaded)
        # A shipped recipe says what is usual; nobody asked for it against the model's own.
        own = named(settings) if file.resolve().parent == FOLDER.resolve() else None
        config = follow(config, loaded, own)
    where = usual_out(config, Path(data)) if out is None else Path(out)
    config = config.model_copy(update={"out": where})
    return run_training(config, model=loaded, resume=resume, on_progress=on_progress)
