"""FrozenLake boards: made by program, walked by program (METHOD.md section 5, VSP).

A board is one string per row, of the characters S (start), G (goal), F (frozen, safe) and H
(hole), as gymnasium writes it. Moves are the letters U, D, L and R.
"""

from __future__ import annotations

import random
from collections import deque
from enum import Enum

START, GOAL, SAFE, HOLE = "S", "G", "F", "H"
STEPS: dict[str, tuple[int, int]] = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
SEPARATOR = ","
Board = tuple[str, ...]
Cell = tuple[int, int]
"""Row and column, from the upper left."""


class Outcome(Enum):
    """How a walk ends."""

    GOAL = "reaches the goal"
    HOLE = "falls into a hole"
    OUTSIDE = "leaves the map"
    SHORT = "ends before the goal"


def find(board: Board, character: str) -> Cell:
    """Returns the first cell with that character."""
    return next((r, row.index(character)) for r, row in enumerate(board) if character in row)


def at(board: Board, cell: Cell) -> str | None:
    """Returns the character of a cell, None outside the map."""
    row, column = cell
    if not 0 <= row < len(board) or not 0 <= column < len(board[row]):
        return None
    return board[row][column]


def trace(board: Board, moves: str) -> list[Cell]:
    """Returns the cells a walk visits, start first; the last one may lie outside the map."""
    cells = [find(board, START)]
    for move in moves:
        row, column = cells[-1]
        down, right = STEPS[move]
        cells.append((row + down, column + right))
        if at(board, cells[-1]) in (None, HOLE, GOAL):
            break
    return cells


def walk(board: Board, moves: str) -> Outcome:
    """Simulates a walk. It ends at the goal, in a hole or off the map; what follows is not read.

    Args:
        board: The map.
        moves: Letters out of U, D, L, R without separators.

    >>> board = ("SFH", "HFG", "FFF")
    >>> [walk(board, moves).name for moves in ("RDR", "RR", "U", "RD", "RDRUU")]
    ['GOAL', 'HOLE', 'OUTSIDE', 'SHORT', 'GOAL']
    """
    end = at(board, trace(board, moves)[-1])
    if end is None:
        return Outcome.OUTSIDE
    return {GOAL: Outcome.GOAL, HOLE: Outcome.HOLE}.get(end, Outcome.SHORT)


def reaches_goal(board: Board, answer: str) -> bool:
    """Whether an answer such as "R,D,R" is a safe path from start to goal."""
    moves = answer.replace(SEPARATOR, "")
    return not set(moves) - set(STEPS) and walk(board, moves) is Outcome.GOAL


def shortest_path(board: Board, rng: random.Random) -> str | None:
    """Returns a shortest safe path, any of them with some luck; None if there is no safe one."""
    start = find(board, START)
    paths = {start: ""}
    queue = deque([start])
    while queue:
        row, column = cell = queue.popleft()
        if at(board, cell) == GOAL:
            return paths[cell]
        steps = list(STEPS.items())
        rng.shuffle(steps)
        for move, (down, right) in steps:
            target = (row + down, column + right)
            if target not in paths and at(board, target) in (SAFE, GOAL):
                paths[target] = paths[cell] + move
                queue.append(target)
    return None


def straight_paths(board: Board) -> tuple[str, str]:
    """Returns the two paths of a player who sees start and goal but no hole: one corner each."""
    (row, column), (to_row, to_column) = find(board, START), find(board, GOAL)
    across = ("R" if to_column > column else "L") * abs(to_column - column)
    along = ("D" if to_row > row else "U") * abs(to_row - row)
    return across + along, along + across


def straight_guesses(board: Board) -> dict[str, str]:
    """Returns both by name, as answers, for the shortcut figures."""
    across, along = straight_paths(board)
    return {
        "straight_across_first": SEPARATOR.join(across),
        "straight_along_first": SEPARATOR.join(along),
    }


def make_board(size: int, holes: tuple[float, float], rng: random.Random) -> Board | None:
    """Draws one board; None if it has no safe path or a straight one is safe.

    Args:
        size: Rows and columns.
        holes: Smallest and largest share of holes.
        rng: Random numbers.
    """
    cells = [(row, column) for row in range(size) for column in range(size)]
    start, goal = rng.sample(cells, 2)
    if start[0] == goal[0] or start[1] == goal[1]:
        return None
    share = rng.uniform(*holes)
    grid = [[HOLE if rng.random() < share else SAFE for _ in range(size)] for _ in range(size)]
    grid[start[0]][start[1]], grid[goal[0]][goal[1]] = START, GOAL
    board = tuple("".join(row) for row in grid)
    if any(walk(board, moves) is Outcome.GOAL for moves in straight_paths(board)):
        return None
    return board if shortest_path(board, rng) else None


def canonical(board: Board) -> Board:
    """Returns the board's representative among its turned and mirrored copies."""
    copies = []
    for _ in range(4):
        board = tuple("".join(column) for column in zip(*reversed(board), strict=True))
        copies += [board, tuple(row[::-1] for row in board)]
    return min(copies)


def board_problem(board: Board) -> str | None:
    """Says what is wrong with a board, or None."""
    text = "".join(board)
    if not text:
        return "the board has no rows"
    if any(len(row) != len(board[0]) for row in board):
        return "the rows of the board differ in length"
    if wrong := sorted(set(text) - {START, GOAL, SAFE, HOLE}):
        return f"the board has {wrong[0]!r}; it is made of S, G, F and H"
    if text.count(START) != 1 or text.count(GOAL) != 1:
        return "the board needs one S and one G"
    return None
