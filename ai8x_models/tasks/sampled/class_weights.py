"""How much each class counts in a loss, for all tasks that have classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from max78000.errors import InputError, raise_all


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a recipe's section `loss` says of single classes.

    Args:
        class_weights: what a class counts, by its name; 1 if it is not there.
        balance: classes count as much as each other, however many examples they have.
    """

    class_weights: Mapping[str, float] = field(default_factory=dict)
    balance: bool = False


def class_weights(plan: ClassCounts, classes: Sequence[str], targets: NDArray[Any]) -> Tensor:
    """What each class counts, (K,); their mean over the training examples is 1 if they balance.

    Args:
        plan: section `loss`.
        classes: their names.
        targets: numbers of classes, of any shape; those that count.

    Raises:
        InputError: a weight for a class that does not exist.
    """
    raise_all(
        InputError(
            f"there is no class {name!r}",
            where="loss.class_weights",
            fix=f"classes are {', '.join(classes)}",
        )
        for name in plan.class_weights
        if name not in classes
    )
    given = torch.tensor([float(plan.class_weights.get(name, 1.0)) for name in classes])
    if not plan.balance:
        return given
    counts = torch.from_numpy(np.bincount(targets.ravel(), minlength=len(classes)).clip(1))
    return given * targets.size / (len(classes) * counts.float())
