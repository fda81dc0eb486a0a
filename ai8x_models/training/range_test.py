"""The learning rate range test: how fast a network may learn before it unlearns.

The rate rises from step to step by the same factor; the loss, smoothed, falls, and at some rate
flies up. What is suggested is a tenth of the rate at which it was lowest: there it still falls
fast, with room for the noise of a whole run.

After Smith, Cyclical Learning Rates for Training Neural Networks, 2017; the tenth is that of
fastai's `lr_find`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

from ai8x_models.training.batches import Batch
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import move_weights
from ai8x_models.training.processes import ALONE
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.run import Run, begin_qat, prepare
from max78000.errors import ToolError
from max78000.files import make_folder, write_whole

LOWEST, HIGHEST, N_STEPS = 1e-6, 1.0, 120
_KEPT = 0.9  # of the smoothed loss, from step to step
_UNLEARNED = 4.0  # times the lowest loss: it ends there
_WIDTH, _HEIGHT, _MARGIN = 640, 320, 40


@dataclass(frozen=True, slots=True)
class RangeTest:
    """Rates that were tried, in order, and the smoothed loss at each."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def suggestion(self) -> float:
        """The peak rate to train with.

        Raises:
            ToolError: the loss fell at no rate.
        """
        lowest = min(range(len(self.losses)), key=self.losses.__getitem__)
        if lowest == 0:
            fix = "look at the data, and at what the loss is made of"
            raise ToolError("the loss falls at no rate", where="range test", fix=fix)
        return self.rates[lowest] / 10


def find_rate(recipe: Recipe, console: Console) -> RangeTest:
    """Try rates from 1e-6 to 1 on the training data; nothing is written.

    Begins as the recipe does; in QAT if that begins with the first epoch.

    Raises:
        ToolError: as `loop.train`.
    """
    run = prepare(recipe, console, ALONE)
    if run.qat is not None and run.qat.start_epoch == 0:
        begin_qat(run, run.qat, console)
    run.model.train()
    rates, losses, mean = list[float](), list[float](), 0.0
    with console.progress("trying rates", quiet=True) as progress:
        for index, batch in zip(range(N_STEPS), _batches(run), strict=False):
            rate = LOWEST * (HIGHEST / LOWEST) ** (index / (N_STEPS - 1))
            loss = move_weights(run, batch, rate, 0.0)["loss"].item()
            mean = _KEPT * mean + (1 - _KEPT) * loss
            smooth = mean / (1 - _KEPT ** (index + 1))  # as if it had always been so
            if not math.isfinite(smooth) or (losses and smooth > _UNLEARNED * min(losses)):
                break
            rates.append(rate)
            losses.append(smooth)
            progress(index + 1, N_STEPS)
    return RangeTest(tuple(rates), tuple(losses))


def _batches(run: Run) -> Iterator[Batch[Any]]:
    """Batches of training without an end."""
    recipe = run.recipe
    for epoch in count():
        yield from run.data.shuffled(recipe.batch_size, recipe.seed, epoch, recipe.augment)


def draw_rates(path: Path, found: RangeTest) -> None:
    """Draw loss over rate, an SVG file, with a line at what is suggested."""
    make_folder(path.parent)
    rate = found.suggestion
    top = max(found.losses[0], *found.losses)
    points = zip(found.rates, found.losses, strict=True)
    line = " ".join(f"{_column(one):.1f},{_row(loss, top):.1f}" for one, loss in points)
    decades = range(round(math.log10(LOWEST)), round(math.log10(HIGHEST)) + 1)
    marks = [
        f'<text x="{_column(10.0**power):.1f}" y="{_HEIGHT - 12}" text-anchor="middle"'
        f' fill="#333">1e{power}</text>'
        for power in decades
    ]
    title = f"loss, from 0 to {top:.3g}, over learning rate; suggested: {rate:.1e}"
    text = "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            f'<text x="{_MARGIN}" y="20" fill="#1b6ca8">{escape(title)}</text>',
            f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_WIDTH - 2 * _MARGIN}"'
            f' height="{_HEIGHT - 2 * _MARGIN}" fill="none" stroke="#999"/>',
            f'<line x1="{_column(rate):.1f}" x2="{_column(rate):.1f}" y1="{_MARGIN}"'
            f' y2="{_HEIGHT - _MARGIN}" stroke="#d1495b" stroke-dasharray="4"/>',
            f'<polyline fill="none" stroke="#1b6ca8" stroke-width="2" points="{line}"/>',
            *(*marks, "</svg>\n"),
        )
    )
    write_whole(path, text.encode())


def _column(rate: float) -> float:
    share = math.log(rate / LOWEST) / math.log(HIGHEST / LOWEST)
    return _MARGIN + share * (_WIDTH - 2 * _MARGIN)


def _row(loss: float, top: float) -> float:
    return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * min(max(loss / top, 0), 1)


def table(found: RangeTest, n_lines: int = 13) -> Sequence[str]:
    """Some of the rates with their losses, as lines."""
    places = sorted({round(k * (len(found.rates) - 1) / (n_lines - 1)) for k in range(n_lines)})
    return [f"{found.rates[place]:9.1e}  {found.losses[place]:.4f}" for place in places]
