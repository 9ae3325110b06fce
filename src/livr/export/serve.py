"""transformers' own OpenAI-compatible server, also where torchvision is missing.

    python -m livr.export.serve FOLDER [--port 8000] [any option of `transformers serve`]

With torchvision installed, `transformers serve FOLDER` does the same and needs nothing of ours.
Without it, the server cannot load the processors of Qwen and others, because of their video half;
here it gets them without that half. Needs the extra: pip install -e '.[serve]'.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from livr.errors import ConfigError
from livr.export.fresh import load_processor

NEEDS = ("fastapi", "uvicorn", "openai")


def allow_images_only() -> None:
    """Let the server's model manager load processors without their video half.

    Raises:
        ConfigError: The server's packages are not installed.
    """
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the server needs {', '.join(missing)}; in LIVR's folder, pip install -e '.[serve]'"
        )
    from transformers.cli.serving import model_manager

    class ImagesAndText(model_manager.ModelManager):  # type: ignore[misc]
        def _load_processor(self, model_id_and_revision: str, gguf_file: str | None = None) -> Any:
            if gguf_file is not None:
                return super()._load_processor(model_id_and_revision, gguf_file)
            folder = model_id_and_revision.rpartition("@")[0]
            return load_processor(folder, self.trust_remote_code)

    # The server looks the class up when it starts.
    model_manager.ModelManager = ImagesAndText


def must_be_export(words: Sequence[str]) -> None:
    """Look at the folder before the server is started.

    Raises:
        ConfigError: The first word names no folder with a whole model in it.
    """
    if not words or words[0].startswith("-") or (Path(words[0]) / "config.json").is_file():
        return
    folder = Path(words[0])
    why = "no such folder"
    if (folder / "config.yaml").is_file():
        why = f"a run; livr export {folder} --out DIR makes a folder that can be served"
    elif (folder / "adapter_config.json").is_file():
        why = "an adapter; export merged weights, without --adapter"
    elif folder.is_dir():
        why = "no model in this folder (no config.json)"
    raise ConfigError(f"{folder}: {why}")


def main() -> None:
    """Run the server with the arguments of `transformers serve`."""
    try:
        must_be_export(sys.argv[1:])
        allow_images_only()
    except ConfigError as error:
        sys.exit(f"error: {error}")
    from transformers.cli.transformers import app

    app(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
