"""Heat maps of points, and the points in heat maps.

A heat map is the logarithm, but for a constant, of the probability that its point is in each cell:
what a soft-max takes. Around a point the probability is a Gaussian bump, its logarithm a parabola:
three cells tell where its middle is, between cells and without a single power. So the chip's
integers are enough, whatever they were multiplied by, and a coarse map does.

Heat maps rather than coordinates are what serves on this accelerator: they are made by
convolutions alone, with the same few kernels at every place; coordinates need a linear layer, with
a kernel for each place of its input. A network that gives them is taken, too: see `answer.py`.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
HIDDEN, VISIBLE = 1, 2  # what targets say of a point that is there
_REACH = 1  # cells around the highest that belong to it, for its probability


def heat_of(points: Tensor, size: tuple[int, int], spread: float) -> Tensor:
    """The probabilities that a network should give.

    Args:
        points: (N, K, 2 or more): x, y as shares of the picture.
        size: rows and columns of the maps.
        spread: standard deviation of the bump, in cells.

    Returns:
        (N, K, rows, columns), each map summing to 1.
    """
    profiles = []
    for axis, cells in zip((1, 0), size, strict=True):
        middles = torch.arange(cells) + 0.5
        apart = middles - points[..., axis, None] * cells
        profiles.append((-0.5 * (apart / spread) ** 2).softmax(dim=-1))
    rows, columns = profiles
    return rows[..., :, None] * columns[..., None, :]


def points_in(heat: Floats) -> Floats:
    """Find the points.

    Args:
        heat: maps (N, K, rows, columns), as a soft-max takes them.

    Returns:
        (N, K, 3): x, y as shares of the picture, and the probability of the cells around.
    """
    n, n_points, rows, columns = heat.shape
    flat = heat.reshape(n * n_points, rows, columns)
    place = flat.reshape(len(flat), -1).argmax(axis=1)
    row, column = place // columns, place % columns
    each = np.arange(len(flat))
    # What lies outside is as improbable as can be, for a cell at the edge has no neighbour there.
    padded = np.pad(flat, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)

    def at(down: int, right: int) -> Floats:
        values: Floats = padded[each, row + 1 + down, column + 1 + right]
        return values

    x = (column + 0.5 + _between(at(0, -1), at(0, 0), at(0, 1))) / columns
    y = (row + 0.5 + _between(at(-1, 0), at(0, 0), at(1, 0))) / rows
    shares = np.exp(padded - at(0, 0)[:, None, None])
    around = range(-_REACH, _REACH + 1)
    near = sum(np.exp(at(down, right) - at(0, 0)) for down in around for right in around)
    found = np.stack((x, y, near / shares.sum(axis=(1, 2))), axis=1)
    return found.reshape(n, n_points, 3)


def _between(before: Floats, peak: Floats, after: Floats) -> Floats:
    """Where the parabola through three neighbours is highest, in cells from the middle one.

    At most half a cell away, for the middle one is the highest; the middle of the cell at an edge.
    """
    is_inside = np.isfinite(before) & np.isfinite(after)
    below, above = np.where(is_inside, before, peak), np.where(is_inside, after, peak)
    bend = 2 * (2 * peak - below - above)
    slope = above - below
    offset: Floats = np.divide(slope, bend, out=np.zeros_like(slope), where=bend > 0)
    return offset
