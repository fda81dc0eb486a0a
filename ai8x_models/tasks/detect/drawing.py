"""Boxes on a picture, each with its class and probability."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from ai8x_models.tasks.detect.suppress import CLASS, SCORE, Floats, rows_of

LEAST_SIDE = 320  # smaller pictures are enlarged, so that words can be read
# Okabe and Ito, Color Universal Design, 2008: told apart by everybody.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
_PAD = 2  # pixels around a word


def draw_boxes(picture: Image.Image, boxes: Floats, classes: Sequence[str]) -> Image.Image:
    """Draw what was found, the most probable on top.

    Args:
        picture: of any size.
        boxes: (D, 6), or objects (M, 5): corners as shares of the picture, class, probability.
        classes: their names.

    Returns:
        A new RGB picture, enlarged if it is small.
    """
    drawn = enlarged(picture)
    pen, size = ImageDraw.Draw(drawn), drawn.size
    for row in rows_of(boxes)[::-1]:
        number = int(row[CLASS])
        colour = COLOURS[number % len(COLOURS)]
        x0, y0, x1, y1 = (float(v * s) for v, s in zip(row[:CLASS], size * 2, strict=True))
        word = classes[number] + (f" {row[SCORE]:.0%}" if len(row) > SCORE else "")
        pen.rectangle((x0, y0, x1, y1), outline=colour, width=2)
        left, top, right, bottom = pen.textbbox((0, 0), word)
        wide, high = right - left + 2 * _PAD, bottom - top + 2 * _PAD
        y = y0 - high if y0 >= high else y0
        x = max(0.0, min(x0, size[0] - wide))
        pen.rectangle((x, y, x + wide, y + high), fill=colour)
        pen.text((x + _PAD - left, y + _PAD - top), word, fill="black")
    return drawn


def enlarged(picture: Image.Image) -> Image.Image:
    """An RGB copy that is large enough for words."""
    factor = max(1, -(-LEAST_SIDE // min(picture.size)))
    size = picture.width * factor, picture.height * factor
    return picture.convert("RGB").resize(size, Image.Resampling.NEAREST)
