"""The head of a single-shot detector, for layers of the accelerator: one convolution a feature map.

Every cell of a map has priors, boxes of a few sizes around its middle; the head says of each how
the object's box differs from it, and what it is. The convolution has 32-bit results, for scores
that a soft-max is made of, and offsets finer than a 128th. What follows it, turning, cutting and
joining, moves numbers only: it is the `finish` of the network's description, done by the processor.
What the answers mean is `ai8x_models.tasks.detect`'s to know.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ai8x_models.layers.layers import Conv2d

N_OFFSETS = 4
Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class BoxMap:
    """A feature map on which boxes are looked for.

    Args:
        channels: of the map.
        rows: of the map.
        columns: of the map.
        sizes: width and height of the priors around every cell, as shares of the picture.
    """

    channels: int
    rows: int
    columns: int
    sizes: tuple[Size, ...]

    def priors(self) -> Tensor:
        """Centres and sizes (rows x columns x sizes, 4): row by row, cell by cell, size by size."""
        rows = (torch.arange(self.rows) + 0.5) / self.rows
        columns = (torch.arange(self.columns) + 0.5) / self.columns
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        centres = torch.stack((x, y), dim=-1).reshape(-1, 1, 2)
        sizes = torch.tensor(self.sizes).reshape(1, -1, 2)
        n_cells, n_sizes = len(centres), len(self.sizes)
        pairs = centres.expand(-1, n_sizes, -1), sizes.expand(n_cells, -1, -1)
        return torch.cat(pairs, dim=-1).reshape(-1, 4)


def sizes_of(scale: float, ratios: Sequence[float]) -> tuple[Size, ...]:
    """Priors of one area, `scale` squared, and several ratios of width to height."""
    return tuple((scale * ratio**0.5, scale / ratio**0.5) for ratio in ratios)


class BoxHead(nn.Module):
    """From feature maps to locations and class scores, as networks of the SSD kind answer.

    `priors_cxcy` is where training and decoding look for the priors, in the order of the answers;
    it has the name that it has in the vendor's detectors.
    """

    def __init__(self, maps: Sequence[BoxMap], n_classes: int) -> None:
        """Make the convolutions.

        Args:
            maps: feature maps, in the order in which `forward` is given them.
            n_classes: kinds of things, without the one that says: nothing here.
        """
        super().__init__()
        self.n_answers = N_OFFSETS + 1 + n_classes
        self.priors_cxcy = torch.cat([one.priors() for one in maps])
        self.convs = nn.ModuleList(
            Conv2d(one.channels, len(one.sizes) * self.n_answers, wide=True, fixed_scale=True)
            for one in maps
        )

    def forward(self, *maps: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (N, channels, rows, columns) -> locations (N, P, 4), scores (N, P, 1 + classes)."""
        rows = [
            conv(one).permute(0, 2, 3, 1).reshape(len(one), -1, self.n_answers)
            for conv, one in zip(self.convs, maps, strict=True)
        ]
        answers = torch.cat(rows, dim=1) if len(rows) > 1 else rows[0]
        return answers[..., :N_OFFSETS], answers[..., N_OFFSETS:]
