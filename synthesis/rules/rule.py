"""What a rule is: an id, a check of one thing, and the kind of refusal. No rule is here.

A check is a function of one layer, or of the network as a whole, and yields a finding for every way
in which that breaks the rule. Its decorator says what it looks at; going through the layers is done
here. It may ask for more, by the names of its parameters:

    decorator           of               may ask for
    layer_rule          layer            graph, chip
    graph_rule          graph            chip
    placed_layer_rule   placed           placement, graph, chip
    placement_rule      placement        graph, chip

Nothing is registered: the tables of rules are written by hand, and findings come in their order.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Concatenate, Generic, TypeVar

from max78000.errors import ToolError, UnsupportedError
from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Layer
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer
from synthesis.rules.wording import worded

Subject = TypeVar("Subject", Graph, Placement)
PAGE_WIDTH = 96  # of manual entries, in letters
Refusal = type[ToolError] | None  # None: a warning


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: what is wrong, with numbers, and what to do.

    `where` is the place of the layer, or of the network, that is looked at, if not given.
    """

    why: str
    fix: str = field(default="", kw_only=True)
    where: str = field(default="", kw_only=True)

    def refusal(self, kind: type[ToolError], rule_id: str) -> ToolError:
        """The finding as an error."""
        return kind(self.why, where=self.where, fix=self.fix, rule=rule_id)


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a check looks at: its place, and what the check can ask for."""

    where: str
    offers: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject]):
    """A limit of the chip or of the language. The check's docstring explains it.

    Attributes:
        id: as messages name it.
        check: yields what is wrong with one case.
        cases: what there is to look at, in order.
        error: the refusal raised; None makes the rule a warning.
        can_be_allowed: the program is still what it says without this rule; what is doubtful is
            what silicon makes of it.
    """

    id: str
    check: Callable[..., Iterator[Finding]]
    cases: Callable[[Subject], Iterator[Case]]
    error: Refusal
    can_be_allowed: bool

    def manual(self, chip: Chip) -> str:
        """The rule in full, for `--explain`."""
        paragraphs = worded(inspect.getdoc(self.check) or "", chip).split("\n\n")
        return "\n\n".join(textwrap.fill(paragraph, PAGE_WIDTH) for paragraph in paragraphs)

    def findings(self, subject: Subject, chip: Chip) -> Iterator[Finding]:
        """All violations, case by case."""
        wanted = inspect.signature(self.check).parameters
        for case in self.cases(subject):
            offers = {**case.offers, "chip": chip}
            for finding in self.check(**{name: offers[name] for name in wanted}):
                yield replace(finding, where=finding.where or case.where)


LayerCheck = Callable[Concatenate[Layer, ...], Iterator[Finding]]
GraphCheck = Callable[Concatenate[Graph, ...], Iterator[Finding]]
PlacedLayerCheck = Callable[Concatenate[PlacedLayer, ...], Iterator[Finding]]
PlacementCheck = Callable[Concatenate[Placement, ...], Iterator[Finding]]


def layer_rule(
    rule_id: str, error: Refusal = UnsupportedError, *, can_be_allowed: bool = False
) -> Callable[[LayerCheck], Rule[Graph]]:
    """Make a check of one layer a rule that every layer of a graph keeps."""
    return lambda check: Rule(rule_id, check, _layers, error, can_be_allowed)


def graph_rule(
    rule_id: str, error: Refusal = UnsupportedError, *, can_be_allowed: bool = False
) -> Callable[[GraphCheck], Rule[Graph]]:
    """Make a check of a whole graph a rule."""
    return lambda check: Rule(rule_id, check, _graph, error, can_be_allowed)


def placed_layer_rule(
    rule_id: str, error: Refusal = UnsupportedError, *, can_be_allowed: bool = False
) -> Callable[[PlacedLayerCheck], Rule[Placement]]:
    """Make a check of one layer in its place a rule that every layer of a placement keeps."""
    return lambda check: Rule(rule_id, check, _placed_layers, error, can_be_allowed)


def placement_rule(
    rule_id: str, error: Refusal = UnsupportedError, *, can_be_allowed: bool = False
) -> Callable[[PlacementCheck], Rule[Placement]]:
    """Make a check of a whole placement a rule."""
    return lambda check: Rule(rule_id, check, _placement, error, can_be_allowed)


def _layers(graph: Graph) -> Iterator[Case]:
    for layer in graph.layers:
        yield Case(layer.where, {"layer": layer, "graph": graph})


def _graph(graph: Graph) -> Iterator[Case]:
    yield Case(graph.source, {"graph": graph})


def _placed_layers(placement: Placement) -> Iterator[Case]:
    graph = placement.graph
    for placed in placement.layers:
        offers = {"placed": placed, "placement": placement, "graph": graph}
        yield Case(placed.layer.where, offers)


def _placement(placement: Placement) -> Iterator[Case]:
    graph = placement.graph
    yield Case(graph.source, {"placement": placement, "graph": graph})


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """What a set of rules found: refusals, and warnings that do not stop the compiler."""

    errors: tuple[ToolError, ...]
    warnings: tuple[str, ...]


def apply_rules(
    rules: Iterable[Rule[Subject]], subject: Subject, chip: Chip, allowed: frozenset[str]
) -> RuleFindings:
    """Run all rules; violations of those named in `allowed` become warnings."""
    errors: list[ToolError] = []
    warnings: list[str] = []
    for rule in rules:
        for finding in rule.findings(subject, chip):
            if rule.error is None or rule.id in allowed:
                warnings.append(str(finding.refusal(ToolError, rule.id)))
            else:
                errors.append(finding.refusal(rule.error, rule.id))
    return RuleFindings(tuple(errors), tuple(warnings))
