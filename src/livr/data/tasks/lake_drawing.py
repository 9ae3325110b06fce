"""Pictures of FrozenLake boards: flat colours, so that a cell of a dozen pixels can be read."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from livr.data.lake import GOAL, HOLE, START, Board, Cell, trace
from livr.data.tasks.drawing import WHITE, Colour

ICE: Colour = (212, 232, 246)
EDGE: Colour = (140, 170, 200)
WATER: Colour = (16, 32, 84)
MARKED: dict[str, Colour] = {START: (30, 150, 60), GOAL: (214, 40, 40)}
PATH: Colour = (245, 140, 0)


def draw_board(board: Board, side: int) -> Image.Image:
    """Draws a board: holes are dark disks, start and goal a green and a red cell with a letter.

    Args:
        board: The map.
        side: Longest allowed side in px; cells are whole px.
    """
    cell = side // len(board)
    image = Image.new("RGB", (cell * len(board[0]), cell * len(board)), ICE)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(8, round(cell * 0.7)))
    for row, line in enumerate(board):
        for column, character in enumerate(line):
            left, top = column * cell, row * cell
            box = (left, top, left + cell - 1, top + cell - 1)
            pen.rectangle(box, fill=MARKED.get(character, ICE), outline=EDGE)
            if character == HOLE:
                gap = cell * 0.08
                pen.ellipse((left + gap, top + gap, box[2] - gap, box[3] - gap), fill=WATER)
            if character in MARKED:
                middle = (left + cell / 2, top + cell / 2)
                pen.text(middle, character, fill=WHITE, font=font, anchor="mm")
    return image


def draw_path(board: Board, moves: str, side: int) -> Image.Image:
    """Draws the board with a walk as a thick line from start to end (METHOD.md section 5)."""
    image = draw_board(board, side)
    cell = side // len(board)
    pen = ImageDraw.Draw(image)
    points = [_middle(place, cell) for place in trace(board, moves)]
    width = max(2, round(cell / 5))
    pen.line(points, fill=PATH, width=width)
    for x, y in points:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=PATH)
    return image


def _middle(place: Cell, cell: int) -> tuple[float, float]:
    row, column = place
    return (column + 0.5) * cell, (row + 0.5) * cell
