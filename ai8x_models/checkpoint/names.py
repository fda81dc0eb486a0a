"""Names of tensors: what wrappers and older tools did to them is undone.

After that, a layer of the vendor's or of ours has its weight under `LAYER.op.weight`, and its
state beside it under `LAYER.output_shift` and so on. A plain torch layer keeps its own names.
"""

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

from max78000.errors import InputError

# Put in front of every name by torch's data parallel wrapper and by its compiler.
_PREFIXES = ("module.", "_orig_mod.")
_INNER = "._orig_mod."  # where only a part was compiled
_COUNTS = ("n_averaged",)  # kept beside the model by torch's wrapper that averages weights
# What operators were called in the vendor's older files; now it is `op` for all of them. A layer
# may be called so, too: it then has state of its own, and no weight directly under it.
_OLD_OPERATORS = ("conv1d", "conv2d", "convtranspose2d", "linear")
_OF_OPERATORS = ("weight", "bias")
_N_NAMED = 4  # entries that a message names


def bare_names(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Tensors under the names of the bare model, in their order, and a note if some were merged.

    A file may hold the model twice, with a wrapper's prefix and without (the vendor's published
    keyword spotting network does): entries that are equal are one, what only one half has is kept.

    Raises:
        InputError: two entries have the same bare name and are not equal.
    """
    sources: dict[str, list[str]] = defaultdict(list)
    for name in tensors:
        if name not in _COUNTS:
            sources[_bare_name(name)].append(name)
    unequal = [
        " and ".join(names)
        for names in sources.values()
        if not all(_are_equal(tensors[names[0]], tensors[name]) for name in names[1:])
    ]
    if unequal:
        why = f"{len(unequal)} entries are there twice and differ: {_some(unequal)}"
        raise InputError(why, fix="save the state_dict of one of the two models")
    bare = {short: tensors[names[0]] for short, names in sources.items()}
    return bare, _notes(sources)


def _notes(sources: Mapping[str, list[str]]) -> tuple[str, ...]:
    prefixes = {_prefix(name) for names in sources.values() for name in names}
    if len(prefixes) < 2:
        return ()
    n_twice = sum(len(names) > 1 for names in sources.values())
    halves = " and ".join(f"`{prefix}`" if prefix else "no prefix" for prefix in sorted(prefixes))
    first = _prefix(next(iter(sources.values()))[0])
    other = [names[0] for names in sources.values() if _prefix(names[0]) != first]
    rest = f"; only without it: {_some(other)}" if other else ""
    return (f"names with {halves} were merged: {n_twice} entries twice and equal{rest}",)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_N_NAMED]) + (", ..." if len(names) > _N_NAMED else "")


def _are_equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one, other)


def _prefix(name: str) -> str:
    """All prefixes of wrappers."""
    short = name
    while short.startswith(_PREFIXES):
        short = short.split(".", 1)[1]
    return name.removesuffix(short)


def _bare_name(name: str) -> str:
    """The name without prefixes, with operators called `op`."""
    short = name.removeprefix(_prefix(name)).replace(_INNER, ".")
    layer, *rest = short.rsplit(".", 2)
    if len(rest) == 2 and rest[0] in _OLD_OPERATORS and rest[1] in _OF_OPERATORS:
        return f"{layer}.op.{rest[1]}"
    return short
