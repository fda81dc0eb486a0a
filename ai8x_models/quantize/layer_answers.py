"""The answer of PyTorch in integer mode, layer by layer, in the form that dumps have.

One input at a time, without a batch dimension: that is what the accelerator takes. Layers are named
as in the model, and therefore as `ai8x describe` names them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ai8x_models.quantize.quantize import integer_activations
from max78000.errors import InputError
from max78000.facts.fixed import DATA_ONE
from max78000.files import load_npy


def layer_answers(model: nn.Module, sample: NDArray[Any]) -> dict[str, NDArray[np.int32]]:
    """Results of all layers by name: (C, H, W), (C, L) or (C,), in the order they run.

    Args:
        model: in integer mode.
        sample: integers -128..127, (C, H, W) or (C, L), folded as for the accelerator.
    Raises:
        InputError: the model is not in integer mode, or does not run on such data.
    """
    try:
        outputs = integer_activations(model, sample[None])
    except RuntimeError as error:  # torch's, of shapes that do not fit
        why = f"the network does not run on {'x'.join(map(str, sample.shape))}: {error}"
        fix = "give the sample that the network was compiled with"
        raise InputError(why.partition("\n")[0], where=type(model).__name__, fix=fix) from None
    return {name: output[0] for name, output in outputs.items()}


def read_input(path: Path) -> NDArray[np.int64]:
    """Read device input from a `.npy` file.

    Raises:
        InputError: no such array, or none of bytes with a sign.
    """
    try:
        data = load_npy(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read: {error}", where=str(path), fix="name an .npy file"
        ) from None
    if data.dtype.kind not in "iu" or data.ndim not in (2, 3) or not data.size:
        why = f"holds {data.dtype} of shape {data.shape}"
        raise InputError(why, where=str(path), fix="save one int8 sample as (C, H, W) or (C, L)")
    if data.min() < -DATA_ONE or data.max() >= DATA_ONE:
        why = f"values {data.min()}..{data.max()} are not in -128..127"
        raise InputError(why, where=str(path), fix="subtract 128 from pixels")
    return data.astype(np.int64)
