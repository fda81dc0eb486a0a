"""The rules' manual: the docstrings of their checks, by id."""

import difflib
from typing import Any

from max78000.errors import InputError
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import Rule
from synthesis.rules.stream_rules import STREAM_RULES


def explain(rule_id: str) -> str:
    """A rule's manual entry.

    Raises:
        InputError: no rule has this id.
    """
    every: tuple[Rule[Any], ...] = (*GRAPH_RULES, *PLACEMENT_RULES, *STREAM_RULES)
    rules = {rule.id: rule for rule in every}
    rule = rules.get(rule_id)
    if rule is None:
        near = difflib.get_close_matches(rule_id, rules, 3)
        known = ", ".join(near or sorted(rules))
        raise InputError(f"no rule {rule_id!r}", "--explain", f"there are {known}")
    kind = "warning" if rule.error is None else f"exit status {rule.error.exit_code}"
    return f"{rule.id} ({kind})\n\n{rule.manual}"
