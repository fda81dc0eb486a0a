"""How many channels each layer keeps, so that a network has no more than so many weights.

Which channels belong together is found by torch-pruning
(https://github.com/VainF/Torch-Pruning, MIT; Fang et al., "DepGraph", CVPR 2023): what one layer
gives, others read, and additions tie layers together. Channels are ranked over the whole network by
the magnitude of their weights, and go by fours, the processors of a group, the least first. A width
that takes one more pass over the 64 processors for at most a quarter of them is cut to whole
passes. Answers keep all channels, and every layer keeps four.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from ai8x_models.training.prune.plain import PlainLayer, plain_copy
from ai8x_models.zoo.registry import Shape
from max78000.errors import CapacityError, UnsupportedError
from max78000.facts.chip import MAX78000

EXTRA = "prune"  # of the package, which brings torch-pruning
_BLOCK = 4  # channels
_LEAST_OF_A_PASS = MAX78000.n_processors // 4
_OPERATORS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


@dataclass(frozen=True, slots=True)
class Kept:
    """The operators and batch norms of a network that has lost channels, by the layers' names."""

    layers: dict[str, PlainLayer]

    @property
    def n_weights(self) -> int:
        """Without biases and batch norms."""
        return sum(layer.op.weight.numel() for layer in self.layers.values())


@dataclass(slots=True)
class _Group:
    """Channels that go together, of one layer or of several that are tied.

    Args:
        graph: torch-pruning's, of the whole network.
        root: operator that gives them.
        prune: torch-pruning's way to take them out of it.
        left: their numbers in the network as it was, in their order.
        blocks: the same by fours, the least important first, with the importance of each block.
    """

    graph: Any
    root: nn.Module
    prune: Any
    left: list[int]
    blocks: list[tuple[float, list[int]]] = field(default_factory=list)

    @classmethod
    def of(cls, graph: Any, found: Any, importance: Any) -> "_Group":
        """Rank the channels of a group that torch-pruning found; its last block has to stay."""
        target = found[0].dep
        ranks = importance(found).double()
        order = ranks.argsort(stable=True).tolist()
        group = cls(graph, target.target.module, target.handler, list(range(len(order))))
        n_first = len(order) % _BLOCK or _BLOCK  # what is left is whole blocks from then on
        ends = range(n_first, len(order), _BLOCK)
        for start, end in zip((0, *ends), ends, strict=False):
            block = order[start:end]
            group.blocks.append((float(ranks[block].mean()), block))
        return group

    def drop(self) -> None:
        """Take the least important block out, and what is left of a pass that is hardly used."""
        gone = set(self.blocks.pop(0)[1])
        rest = (len(self.left) - len(gone)) % MAX78000.n_processors
        is_hardly_used = len(self.left) - len(gone) > MAX78000.n_processors
        while is_hardly_used and 0 < rest <= _LEAST_OF_A_PASS:
            block = self.blocks.pop(0)[1]
            gone |= set(block)
            rest -= len(block)
        places = [place for place, number in enumerate(self.left) if number in gone]
        self.graph.get_pruning_group(self.root, self.prune, places).prune()
        self.left = [number for number in self.left if number not in gone]


def require_pruner() -> None:
    """Refuse if the package that finds channels is missing.

    Raises:
        UnsupportedError: it is.
    """
    if find_spec("torch_pruning") is None:
        fix = f'pip install "max78000-toolchain[{EXTRA}]"'
        raise UnsupportedError("pruning needs the package torch-pruning", fix=fix)


def prune_to(model: nn.Module, shape: Shape, n_weights: int, answers: Collection[str]) -> Kept:
    """Take channels out of a network until it has no more than so many weights.

    Args:
        model: of our layers, in float; it stays as it is.
        shape: of its input, without the batch.
        n_weights: that may be left.
        answers: names of the layers that give the answers; these keep all channels.

    Raises:
        UnsupportedError: torch-pruning is not installed.
        CapacityError: so few weights cannot be reached.
    """
    require_pruner()
    copy = plain_copy(model)
    kept = Kept({name: one for name, one in copy.named_modules() if isinstance(one, PlainLayer)})
    groups = list(_groups(copy, shape, [kept.layers[name].op for name in answers]))
    while kept.n_weights > n_weights:
        droppable = [group for group in groups if group.blocks]
        if not droppable:
            why = f"keeps {kept.n_weights:,} weights at least, more than {n_weights:,}"
            fix = "allow more, or begin with a smaller network"
            raise CapacityError(why, where=type(model).__name__, fix=fix)
        min(droppable, key=lambda group: group.blocks[0][0]).drop()
    return kept


def _groups(model: nn.Module, shape: Shape, fixed: list[nn.Module]) -> Iterator[_Group]:
    """The groups of channels of a network, without those that leave operators which are fixed."""
    import torch_pruning  # noqa: PLC0415 - optional

    graph = torch_pruning.DependencyGraph()
    graph.build_dependency(model, example_inputs=torch.zeros(1, *shape))
    importance = torch_pruning.importance.GroupMagnitudeImportance(p=2)
    found = graph.get_all_groups(ignored_layers=fixed, root_module_types=list(_OPERATORS))
    for group in list(found):
        yield _Group.of(graph, group, importance)
