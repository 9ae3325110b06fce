"""`livr.train`: a model, a folder of question-answer pairs and a recipe give a run."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from livr.config import load_recipe
from livr.model.model import Model
from livr.recipes import find_shipped
from livr.train.progress import Listener
from livr.train.run import Run
from livr.train.run import train as run_training


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
        model: What `livr.load` takes, or a loaded model, which is then trained in place.
        data: Data set folder with train.jsonl, and val.jsonl to choose a checkpoint by.
        recipe: Name of a shipped recipe (`livr`, `sft`) or a YAML file.
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

    Source: METHOD section 2 (paper appendix B).
    """
    loaded = model if isinstance(model, Model) else None
    source = loaded.source if loaded is not None else str(model)
    given = {"model": source, "data": Path(data), "seed": seed}
    given["trust_remote_code"] = trust_remote_code or None
    config = load_recipe(find_shipped(Path(recipe)), settings, **given)
    if out is None:
        out = Path("runs") / f"{Path(data).name}-{config.method}-{config.seed}"
    config = config.model_copy(update={"out": Path(out)})
    return run_training(config, model=loaded, resume=resume, on_progress=on_progress)
