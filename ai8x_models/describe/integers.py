"""A network as it stands, trained or not, as integers: enough to ask the compiler if it fits.

Weights are quantized as they are, by the rules of `quantize`; no data are looked at, so a network
that was not trained for the accelerator saturates (`calibrate` scales such a one). The sample that
goes with it is noise: sizes, places and cycles do not depend on it.
"""

from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ai8x_models.checkpoint import Checkpoint, State
from ai8x_models.describe.convert import Converted, Network
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import DATA_GRID, Mode, QatModule
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from ai8x_models.zoo.registry import Shape

_SEED = 0  # of the noise


def integer_state(network: Network, model: nn.Module, policy: QatPolicy) -> State:
    """The integers of a network, in the order of its description.

    Args:
        network: what `network_of` sees in the model.
        model: its layers keep their names if all of them are ours; it is left as it was.
        policy: widths of layers that have none yet.

    Raises:
        InputError: the model holds integers already, or what are not finite numbers.
    """
    layered = deepcopy(Converted(network) if network.is_new else model)
    for name, layer in layered.named_modules():
        if isinstance(layer, QatModule) and layer.mode is Mode.FLOAT:
            layer.enter_qat(policy.weight_bits_of(name), policy.shift_quantile_of(name))
    state, _ = quantize_state(layered.state_dict(), QuantizeOptions())
    return state


def integer_checkpoint(arch: str, state: State) -> Checkpoint:
    """What the integers' file holds."""
    return Checkpoint(arch, 0, state, {"clipping_method": "MAX_BIT_SHIFT"})


def noise(shape: Shape) -> NDArray[np.int8]:
    """A sample for the compiler, the same whenever it is asked for.

    Args:
        shape: of the device's input, `NetworkDescription.device_shape`: folded if that is.
    """
    data = np.random.default_rng(_SEED).integers(DATA_GRID.low, DATA_GRID.high + 1, shape)
    return data.astype(np.int8)
