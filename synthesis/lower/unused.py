"""What a checkpoint holds and no layer takes: named, so that nothing is lost in silence.

Weights are paired with layers by position. A file that holds its model twice (with a prefix of some
wrapper and without) has too many: what the second copy repeats is no loss, what it adds is.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from synthesis.read.checkpoint import Checkpoint, LayerWeights

MOST_NAMES = 12  # that a message lists
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel, of torch.compile


def unused_entries(checkpoint: Checkpoint, n_used: int) -> tuple[str, ...]:
    """Names of entries that are lost.

    Args:
        checkpoint: all entries, in stored order.
        n_used: layers of it that the network takes, the first ones.
    """
    used = {_plain(layer.entry): layer for layer in checkpoint.layers[:n_used]}
    lost = (name for layer in checkpoint.layers[n_used:] for name in _lost(layer, used))
    return (*lost, *checkpoint.strays)


def listed(names: Sequence[str]) -> str:
    """Names for a message."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _plain(entry: str) -> str:
    """A name without the prefixes of wrappers."""
    for prefix in PREFIXES:
        entry = entry.removeprefix(prefix)
    return entry


def _lost(layer: LayerWeights, used: Mapping[str, LayerWeights]) -> Iterator[str]:
    """What of a layer's entries its twin does not have."""
    twin = used.get(_plain(layer.entry))
    name = layer.entry or layer.name
    if twin is None or not np.array_equal(layer.weight, twin.weight):
        yield f"{name}.weight"
    if layer.bias is not None and (
        twin is None or twin.bias is None or not np.array_equal(layer.bias, twin.bias)
    ):
        yield f"{name}.bias"
