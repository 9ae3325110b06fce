"""Visual spatial planning: a safe path over a frozen lake. The answer is a move sequence.

Construction (METHOD.md section 5, VSP in Mirage): FrozenLake maps of 3 to 8 cells a side; any path
that reaches the goal without a hole is right, so answers are scored by walking them
(`livr.data.lake`). The helper image is the map with the path drawn. Ours: the drawing; start and
goal lie in different rows and columns and both straight paths between them meet a hole, so that
the holes must be seen; no path is the stored answer of more than 2 % of a split; a map belongs to
one split by the hash of its form, also turned or mirrored. Only about a hundred maps of 3 cells a
side satisfy this: where a size is used up, the next one takes its place.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from livr.data.lake import SEPARATOR, Board, canonical, make_board, shortest_path
from livr.data.sources.folder import SourceInfo
from livr.data.tasks.base import Built, Request, Task, balanced
from livr.data.tasks.lake_drawing import draw_board, draw_path

INFO = SourceInfo(
    name="FrozenLake maps, made by program",
    url="https://gymnasium.farama.org/environments/toy_text/frozen_lake/",
    licence="none needed",
    layout=(),
)
PER_PATH = 0.02
SHARES = (("test", 15), ("val", 15), ("train", 70))  # of every hundred hashes


@dataclass(frozen=True)
class LakeConfig:
    """Sizes of the task.

    Attributes:
        sizes: Cells a side, about equally frequent.
        holes: Smallest and largest share of holes.
        side: Longest side of the picture in px.
        tries: Boards drawn before a size counts as used up.
    """

    sizes: tuple[int, ...] = (3, 4, 5, 6, 7, 8)
    holes: tuple[float, float] = (0.15, 0.4)
    side: int = 240
    tries: int = 4000


def build(request: Request, config: LakeConfig) -> Iterator[Built]:
    """Yields one question per map."""
    sizes = list(config.sizes)
    seen: set[Board] = set()
    paths: Counter[str] = Counter()
    most = max(1, int(PER_PATH * request.count))
    for size in balanced(config.sizes, request.count, request.rng):
        found = None
        while sizes and found is None:
            wanted = next((other for other in sizes if other >= size), sizes[-1])
            found = _new_map(request, config, wanted, seen, paths, most)
            if found is None:
                sizes.remove(wanted)
                request.drops[f"maps of {wanted} x {wanted} used up"] += 1
        if found is None:
            return
        board, moves = found
        seen.add(board)
        paths[moves] += 1
        yield Built(
            images=(draw_board(board, config.side),),
            question=request.question(),
            choices=None,
            answer=SEPARATOR.join(moves),
            groups=(_key(board),),
            helper_images=(draw_path(board, moves, config.side),),
            board=board,
        )


def _new_map(
    request: Request,
    config: LakeConfig,
    size: int,
    seen: set[Board],
    paths: Counter[str],
    most: int,
) -> tuple[Board, str] | None:
    for _ in range(config.tries):
        board = make_board(size, config.holes, request.rng)
        if board is None or board in seen or split_of(board) != request.split:
            continue
        moves = shortest_path(board, request.rng)
        if moves and paths[moves] < most:
            return board, moves
    return None


def split_of(board: Board) -> str:
    """Returns the split a map belongs to; turned and mirrored copies belong to the same."""
    number = int(_key(board), 16) % 100
    for split, share in SHARES:
        if number < share:
            return split
        number -= share
    raise AssertionError("the shares make a hundred")


def _key(board: Board) -> str:
    return hashlib.sha256("/".join(canonical(board)).encode()).hexdigest()[:16]


TASK = Task(
    name="vsp",
    section="4.2 (further benchmarks), comparison with Mirage",
    source=INFO,
    chance=PER_PATH,
    answer_form="path",
    paper=LakeConfig(),
    pool=LakeConfig(),
    build=build,
    generated=True,
)
