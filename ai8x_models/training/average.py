"""Weight averaging: beside the weights that are trained, a running mean of them that is used.

The mean forgets: every step moves it by 1 - decay toward the present weights. In the first steps it
forgets faster, so that what the network began with does not stay in it. Batch norm's statistics are
averaged as weights are; what else a network stores, such as shifts of QAT, is that of the present.

After Polyak and Juditsky, 1992; the faster beginning is that of TensorFlow's
`ExponentialMovingAverage`.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn

_NORM_STATISTICS = ("running_mean", "running_var")


class Average:
    """The mean of a network's weights over the steps of its training; `model` has them."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Begin with the weights as they are."""
        self._decay = decay
        self.n_steps = 0
        self.model = deepcopy(model).requires_grad_(False).eval()

    def see(self, model: nn.Module) -> None:
        """Take in the weights after one more step."""
        kept = min(self._decay, (1 + self.n_steps) / (10 + self.n_steps))
        self.n_steps += 1
        parameters = {name for name, _ in model.named_parameters()}
        with torch.no_grad():
            present = model.state_dict()
            for name, mean in self.model.state_dict().items():
                is_mean = name in parameters or name.endswith(_NORM_STATISTICS)
                mean.lerp_(present[name], 1 - kept) if is_mean else mean.copy_(present[name])

    def state(self) -> dict[str, Any]:
        """What continues it, as plain data and tensors."""
        return {"n_steps": self.n_steps, "weights": dict(self.model.state_dict())}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` stood."""
        self.n_steps = state["n_steps"]
        self.model.load_state_dict(state["weights"])
