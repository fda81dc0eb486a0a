"""The rules' manual, by id: the docstrings of the checks, and a line for what is refused earlier.

No rule is checked here.
"""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from max78000.errors import CapacityError, InputError, ToolError, UnsupportedError
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import Rule
from synthesis.rules.stream_rules import STREAM_RULES

EVERY_CHECK: tuple[Rule[Any], ...] = (*GRAPH_RULES, *PLACEMENT_RULES, *STREAM_RULES)
CHECKS: Mapping[str, Rule[Any]] = MappingProxyType({rule.id: rule for rule in EVERY_CHECK})
# What readers and the first stages refuse while they read.
# fmt: off
EARLY: Mapping[str, tuple[type[ToolError], str]] = MappingProxyType({
    "G1":  (InputError, "The description is a YAML file: one mapping, no key twice."),
    "G2":  (InputError, "`arch`, `dataset` and `layers` are given; `layers` is a list."),
    "G3":  (InputError, "Only keys of the language are used: a typing error would change much."),
    "G4":  (InputError, "A key is spelled in one way: `op`, `operation`, `operator` and "
                        "`convolution` are the same key."),
    "G5":  (CapacityError, "There are at most 32 layers: there are 32 sets of layer registers."),
    "G6":  (InputError, "Every layer has a sequence number of its own."),
    "G7":  (InputError, "Every layer has a name of its own, in any case; not `input`, not `stop`."),
    "G8":  (InputError, "Names and numbers refer to layers of the description; weights come from, "
                        "and go to, layers that have some."),
    "G9":  (InputError, "A layer reads earlier layers: layers run in order."),
    "G10": (UnsupportedError, "`next_sequence` is the following layer, or `stop`: this chip has no "
                              "links between layers."),
    "G11": (InputError, "The checkpoint has weights for every layer that needs them; they are "
                        "paired by position, as stored."),
    "G12": (InputError, "The checkpoint was made for the `arch` of the description."),
    "G13": (InputError, "The operands of an element-wise layer have equally many channels."),
    "G14": (InputError, "A layer reads as many pixels as its producers have; `in_dim` says how "
                        "they are put together."),
    "G16": (InputError, "Conv1d reads one-dimensional data; `in_dim` makes a line of an image."),
    "G18": (UnsupportedError, "Keys for features that only the MAX78002 has are not used."),
    "G20": (UnsupportedError, "Rolling buffers (`data_buffer`, `buffer_shift`, `buffer_insert`) "
                              "are not supported yet."),
    "G22": (InputError, "Values are of the right kind and in range."),
    "G25": (InputError, "The checkpoint is a PyTorch file whose `state_dict` holds integer "
                        "weights, batch normalization folded."),
    "C9":  (InputError, "Kernel sizes are the same in description and checkpoint."),
    "C13": (InputError, "A layer has a bias for every output channel, or none."),
    "C21": (InputError, "`kernel_size` is not given for linear layers: it is 1x1."),
    "D3":  (InputError, "Something is left after pooling and convolution."),
    "E1":  (InputError, "`operands` goes with an element-wise operation."),
    "L10": (InputError, "A layer pools by maximum or by average: there is one pool unit."),
    "O4":  (UnsupportedError, "`--softmax` needs 32-bit outputs."),
    "O6":  (InputError, "An existing project is replaced only with `--overwrite`."),
    "P1":  (UnsupportedError, "A layer that joins several tensors has its `processors` given."),
})
# fmt: on


def explain(rule_id: str) -> str:
    """A rule's manual entry; ids are taken in any case.

    Raises:
        InputError: no rule has this id.
    """
    rule_id = _find(rule_id, "--explain")
    if rule_id in EARLY:
        error, text = EARLY[rule_id]
        return f"{rule_id} (exit status {error.exit_code})\n\n{text}"
    rule = CHECKS[rule_id]
    kind = "warning" if rule.error is None else f"exit status {rule.error.exit_code}"
    if rule.can_be_allowed:
        kind += f"; --allow {rule_id} makes it a warning"
    return f"{rule_id} ({kind})\n\n{rule.manual}"


def allowed_rules(rule_ids: Iterable[str]) -> frozenset[str]:
    """The ids, if all of these rules can be turned into warnings.

    Raises:
        InputError: there is no such rule, or no program without it.
    """
    allowed = frozenset(_find(rule_id, "--allow") for rule_id in rule_ids)
    for rule_id in sorted(allowed):
        if rule_id not in CHECKS or not CHECKS[rule_id].can_be_allowed:
            possible = ", ".join(rule.id for rule in CHECKS.values() if rule.can_be_allowed)
            why = f"rule {rule_id} cannot be allowed: there is no program without it"
            raise InputError(why, "--allow", f"possible are {possible}")
    return allowed


def _find(rule_id: str, option: str) -> str:
    known = {known.lower(): known for known in (*EARLY, *CHECKS)}
    if rule_id.lower() not in known:
        near = difflib.get_close_matches(rule_id.lower(), known, 3) or known
        names = ", ".join(known[name] for name in near)
        raise InputError(f"no rule {rule_id!r}", option, f"there are {names}")
    return known[rule_id.lower()]
