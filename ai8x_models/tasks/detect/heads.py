"""What a network has to be to find things: answers in two parts, and priors that it names.

Heads of ours (`ai8x_models.layers.box_head`) and the vendor's detectors are alike in that: forward
gives (locations, class scores), and `priors_cxcy` holds the priors in the same order.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ai8x_models.describe.stored import is_of_file, trainable
from ai8x_models.layers.box_head import N_OFFSETS
from ai8x_models.zoo.registry import Shape, find_model
from max78000.errors import InputError

ATTRIBUTE = "priors_cxcy"
_FIX = "end the network with a BoxHead of ai8x_models.layers.box_head"


def priors_of(word: str, shape: Shape) -> Tensor:
    """Ask a network for its priors.

    Args:
        word: a name of the registry, or `FILE.py:NAME`.
        shape: of its input.

    Returns:
        Centres and sizes (P, 4).

    Raises:
        InputError: it has none; and as `trainable`.
    """
    with torch.random.fork_rng([]):  # the weights that are drawn here are thrown away
        model = trainable(word, shape) if is_of_file(word) else find_model(word).build()
    return priors_in(model, word)


def priors_in(model: nn.Module, where: str) -> Tensor:
    """The priors of a network, or of the one part of it that has some; raises as `priors_of`."""
    found = (getattr(part, ATTRIBUTE, None) for part in model.modules())
    priors = next((one for one in found if isinstance(one, Tensor)), None)
    if priors is None:
        why = f"names no priors: no part of it has an attribute `{ATTRIBUTE}`"
        raise InputError(why, where=where, fix=_FIX)
    if priors.dim() != 2 or priors.shape[1] != N_OFFSETS:
        why = f"`{ATTRIBUTE}` is {tuple(priors.shape)}, not a row cx, cy, w, h for every prior"
        raise InputError(why, where=where, fix=_FIX)
    return priors.detach().float()


def check_parts(shapes: Sequence[Sequence[int]], n_priors: int, n_classes: int) -> None:
    """Refuse answers that are not those of a detector of these priors and classes.

    Args:
        shapes: of every output of the network, with a batch.
        n_priors: P.
        n_classes: without the one that says: nothing here.

    Raises:
        InputError: with both shapes.
    """
    wanted = [(n_priors, N_OFFSETS), (n_priors, 1 + n_classes)]
    found = [tuple(shape[1:]) for shape in shapes]
    if found != wanted:
        why = f"answers with {_words(found)}; for {n_classes} classes it has to be {_words(wanted)}"
        fix = "locations and class scores, with one class more that says: nothing here"
        raise InputError(f"the network {why}", fix=fix)


def _words(shapes: Sequence[Sequence[int]]) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in shapes)
