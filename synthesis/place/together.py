"""Several placed networks -> the same networks beside each other in the memories they share.

Every network keeps its processors and its data memory, which the networks use by turns. Kernels and
biases are what a chip is loaded with once: they lie side by side where there is room. What does not
fit is loaded again when it is needed, over others that do not fit either.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from max78000.facts.chip import Chip
from synthesis.place.biases import BiasMemory, place_biases
from synthesis.place.place import Placement
from synthesis.place.taken import Taken, words_of
from synthesis.place.weights import kernel_places, place_weights


@dataclass(frozen=True, slots=True)
class Together:
    """Networks in one chip, in the order in which they were given.

    Attributes:
        placements: of each, kernels and biases in their final places.
        displaced: by each, the networks whose kernels or biases it is loaded over. One that
            displaces nobody is displaced by nobody: it is loaded once and stays.
    """

    placements: tuple[Placement, ...]
    displaced: tuple[tuple[int, ...], ...]


def place_together(placements: Sequence[Placement], chip: Chip) -> Together:
    """Let as much stay as possible, the largest first: it takes longest to load.

    A network stays if each of the others still fits beside it and those that stay already. The
    others form groups, from large to small, each in the first group in which it fits: those of a
    group lie side by side, and a group takes the place of another.

    Args:
        placements: each network by itself; all fit.
        chip: sizes of the memories.
    """
    order = sorted(range(len(placements)), key=lambda i: -int(placements[i].kernels.is_used.sum()))
    placed: dict[int, Placement] = {}
    taken = Taken.nothing(chip)
    for i in order:
        beside, after = _beside(placements[i], taken, chip)
        others = (placements[j] for j in order if j not in placed and j != i)
        if all(_fits(other, after, chip) for other in others):
            placed[i], taken = beside, after
    placed |= _groups(placements, [i for i in order if i not in placed], taken, chip)
    done = tuple(placed[i] for i in range(len(placements)))
    return Together(done, tuple(_displaced(done)))


def _groups(
    placements: Sequence[Placement], order: Sequence[int], taken: Taken, chip: Chip
) -> dict[int, Placement]:
    """Networks that do not all fit beside those that have taken their places."""
    placed: dict[int, Placement] = {}
    groups: list[Taken] = []
    for i in order:
        fitting = [g for g, room in enumerate(groups) if _fits(placements[i], room, chip)]
        if not fitting:
            groups.append(taken)
        group = fitting[0] if fitting else len(groups) - 1
        placed[i], groups[group] = _beside(placements[i], groups[group], chip)
    return placed


def _fits(placement: Placement, taken: Taken, chip: Chip) -> bool:
    if kernel_places(placement.layers, chip, taken.kernel_words).end > chip.kernel_words:
        return False
    _, biases = place_biases(placement.layers, chip, taken.bias_bytes)
    return all(end <= chip.bias_bytes_per_quadrant for end in biases.ends)


def _beside(placement: Placement, taken: Taken, chip: Chip) -> tuple[Placement, Taken]:
    """The network in the room that is left, and what is taken with it."""
    layers, kernels = place_weights(placement.layers, chip, taken.kernel_words)
    layers, biases = place_biases(layers, chip, taken.bias_bytes)
    graph = replace(placement.placed_graph, layers=layers)
    return Placement(graph, kernels, biases), taken.and_by(kernels, biases)


def _displaced(placements: Sequence[Placement]) -> Iterator[tuple[int, ...]]:
    words = [words_of(placement.kernels) for placement in placements]
    for i, one in enumerate(placements):
        yield tuple(
            j
            for j, other in enumerate(placements)
            if j != i
            and (
                any(mine & theirs for mine, theirs in zip(words[i], words[j], strict=True))
                or _share_bytes(one.biases, other.biases)
            )
        )


def _share_bytes(one: BiasMemory, other: BiasMemory) -> bool:
    starts, ends = (
        zip(one.starts, other.starts, strict=True),
        zip(one.ends, other.ends, strict=True),
    )
    return any(max(pair) < min(last) for pair, last in zip(starts, ends, strict=True))
