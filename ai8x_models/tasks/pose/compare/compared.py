"""A pose network beside others: who it is, its costs, its scores, and what these hide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ai8x_models.tasks.pose.compare.aspects import Aspects, aspects_of
from ai8x_models.tasks.pose.compare.costs import Costs, costs_of
from ai8x_models.tasks.pose.compare.named import Named
from ai8x_models.tasks.pose.data.cache import PoseCache
from ai8x_models.tasks.pose.evaluate import Metrics, tally_maps
from ai8x_models.tasks.pose.predictor import Predictor
from ai8x_models.training.logs import Console
from ai8x_models.training.search.figures import Compiler


@dataclass(frozen=True, slots=True)
class Compared:
    """One network of the comparison.

    Args:
        named: who it is.
        arch: its class.
        numbers: those it computes with: `float`, `qat`, `integer`.
        costs: what it costs.
        metrics: scores of all pictures.
        aspects: what these hide.
    """

    named: Named
    arch: str
    numbers: str
    costs: Costs
    metrics: Metrics
    aspects: Aspects

    @property
    def name(self) -> str:
        """What to call it."""
        return self.named.name

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "checkpoint": str(self.named.path),
            "network": self.arch,
            "numbers": self.numbers,
            "costs": self.costs.to_json(),
            "scores": self.metrics.to_json(),
            "aspects": self.aspects.to_json(),
        }


def compare_networks(
    networks: Sequence[tuple[Named, Predictor]],
    cache: PoseCache,
    compiler: Compiler,
    console: Console,
) -> list[Compared]:
    """Ask all networks about the same pictures, and the compiler about all networks.

    Args:
        networks: loaded already, so that all files are known to be good.
        cache: labelled pictures.
        compiler: who says what they take of the chip.
        console: told how far it is.
    """
    rows = []
    for named, network in networks:
        with console.progress(f"evaluating {named.name}", quiet=True) as progress:
            tally = tally_maps(network.maps, cache, progress, network.one)
        console.line(f"asking the compiler about {named.name}")
        rows.append(
            Compared(
                named,
                network.arch,
                network.mode.name.lower(),
                costs_of(network, compiler),
                tally.metrics(network.shown_score),
                aspects_of(tally.truths, tally.found, tally.is_whole),
            )
        )
    return rows
