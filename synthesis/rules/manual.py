"""The rules' manual, by id: docstrings of checks, a line for what is refused earlier, notes.

`docs/rules.md` is this manual as a page. No rule is checked here.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from max78000.errors import InputError
from max78000.facts.chip import Chip
from synthesis.rules.early import EARLY, NOTES
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import Rule
from synthesis.rules.stream_rules import STREAM_RULES
from synthesis.rules.wording import worded

EVERY_CHECK: tuple[Rule[Any], ...] = (*GRAPH_RULES, *PLACEMENT_RULES, *STREAM_RULES)
CHECKS: Mapping[str, Rule[Any]] = MappingProxyType({rule.id: rule for rule in EVERY_CHECK})
WHOLE = "all"  # in place of a rule's id: the whole manual
# First letter of the ids, what they are about.
SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "G": "File and graph",
        "P": "Processors and channels",
        "D": "Dimensions and data memory",
        "C": "Convolutions",
        "L": "Pooling",
        "E": "Element-wise operations",
        "F": "Flattening",
        "S": "FIFO and streaming",
        "O": "Command line",
    }
)
PAGE_HEAD = """\
# Rules

What a network has to keep, by the id that every refusal names. Exit status 2 is wrong input, 3 too
large, 4 not possible; warnings and notes stop nothing. `synthesize --explain RULE` prints one
entry, `synthesize --explain all` this page.
"""


def explain(rule_id: str, chip: Chip) -> str:
    """A rule's manual entry, or the whole page for `all`; ids are taken in any case.

    Raises:
        InputError: no rule has this id.
    """
    if rule_id.lower() == WHOLE:
        return manual_page(chip)
    rule_id = _find(rule_id, "--explain")
    kind = _kind(rule_id)
    if rule_id in CHECKS and CHECKS[rule_id].can_be_allowed:
        kind += f"; --allow {rule_id} makes it a warning"
    return f"{rule_id} ({kind})\n\n{_text(rule_id, chip)}"


def manual_page(chip: Chip) -> str:
    """All entries as Markdown: a table for each section, in the order of the ids."""
    ids = sorted((*EARLY, *CHECKS, *NOTES), key=_order)
    parts = [PAGE_HEAD]
    for letter, title in SECTIONS.items():
        rows = [_row(rule_id, chip) for rule_id in ids if rule_id.startswith(letter)]
        parts.append(f"## {title}\n\n| rule | kind | |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts).rstrip("\n")


def allowed_rules(rule_ids: Iterable[str]) -> frozenset[str]:
    """The ids, if all of these rules can be turned into warnings.

    Raises:
        InputError: there is no such rule, or no program without it.
    """
    allowed = frozenset(_find(rule_id, "--allow") for rule_id in rule_ids)
    for rule_id in sorted(allowed):
        if rule_id not in CHECKS or not CHECKS[rule_id].can_be_allowed:
            possible = sorted((i for i, rule in CHECKS.items() if rule.can_be_allowed), key=_order)
            why = f"rule {rule_id} cannot be allowed: there is no program without it"
            raise InputError(why, where="--allow", fix=f"possible are {', '.join(possible)}")
    return allowed


def _find(rule_id: str, option: str) -> str:
    known = {known.lower(): known for known in (*EARLY, *CHECKS, *NOTES)}
    if rule_id.lower() not in known:
        near = [known[name] for name in difflib.get_close_matches(rule_id.lower(), known, 3)]
        near = near or sorted(
            (name for name in known.values() if name[0] == rule_id[:1].upper()), key=_order
        )
        fix = f"there are {', '.join(near)}" if near else "synthesize --explain all prints them"
        raise InputError(f"no rule {rule_id!r}", where=option, fix=fix)
    return known[rule_id.lower()]


def _kind(rule_id: str) -> str:
    if rule_id in NOTES:
        return "note"
    error = EARLY[rule_id][0] if rule_id in EARLY else CHECKS[rule_id].error
    return "warning" if error is None else f"exit status {error.exit_code}"


def _text(rule_id: str, chip: Chip) -> str:
    if rule_id in CHECKS:
        return CHECKS[rule_id].manual(chip)
    return worded(NOTES[rule_id] if rule_id in NOTES else EARLY[rule_id][1], chip)


def _row(rule_id: str, chip: Chip) -> str:
    kind = _kind(rule_id).replace("exit status", "exit")
    if rule_id in CHECKS and CHECKS[rule_id].can_be_allowed:
        kind += ", can be allowed"
    text = " ".join(_text(rule_id, chip).split()).replace("|", "\\|")
    return f"| {rule_id} | {kind} | {text} |"


def _order(rule_id: str) -> tuple[str, int, str]:
    """G2 before G10, E6 before E6a."""
    letter, number, suffix = re.fullmatch(r"([A-Z])(\d+)([a-z]?)", rule_id).groups()  # type: ignore[union-attr]
    return letter, int(number), suffix
