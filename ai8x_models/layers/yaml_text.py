"""YAML text -> nodes or values, within bounds: a few lines can say endlessly much by aliases."""

from typing import Any

import yaml

MAX_NODES = 100_000  # with every alias written out; the largest recipe has some hundred
MAX_EVENTS = 10_000  # values, aliases, beginnings and ends of lists and mappings
MAX_OPEN = 100  # lists and mappings inside each other


class UnusableError(yaml.YAMLError):
    """YAML that nobody means; says why and where as other errors of the library do."""

    def __init__(self, problem: str, place: yaml.Node | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = place.start_mark if place else None


def compose_yaml(text: str) -> yaml.Node | None:
    """Make the nodes of a document, with their lines; None if it is empty.

    Raises:
        yaml.YAMLError: it is no YAML, is endless, or has keys that are lists or mappings.
    """
    _check_events(text)
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    n_nodes, open_nodes = 0, [root]
    while open_nodes:
        node = open_nodes.pop()
        n_nodes += 1
        if n_nodes > MAX_NODES:
            raise UnusableError(
                f"more than {MAX_NODES:,} values with its aliases written out", node
            )
        if isinstance(node, yaml.SequenceNode):
            open_nodes.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise UnusableError("a key is a list or a mapping", key)
            open_nodes.extend(part for pair in node.value for part in pair)
    return root


def load_yaml(text: str) -> Any:
    """Give the values of a document, as `yaml.safe_load` does; None if it is empty.

    Raises:
        yaml.YAMLError: as `compose_yaml`, or a value of a tag that is not YAML's own.
        ValueError: a date or a number that is none.
    """
    root = compose_yaml(text)
    try:
        return None if root is None else yaml.SafeLoader("").construct_document(root)
    except LookupError as error:  # of an empty `!!int`, or of a `!!bool` that is neither
        raise UnusableError("a value is not what its tag says") from error


def _check_events(text: str) -> None:
    """Bound what composing makes, and how far it recurses: in C, which cannot be caught."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader), 1):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_OPEN:
            raise UnusableError("is nested too deeply")
        if number > MAX_EVENTS:
            raise UnusableError(f"more than {MAX_EVENTS:,} values and brackets")
