"""Sample input file -> int64 array (C, H, W). Refuses whatever is not signed bytes in that
shape.
"""

from pathlib import Path

import numpy as np

from max78000.errors import InputError
from max78000.facts.fixed import AS_BYTES
from max78000.files import load_npy
from synthesis.read.source import Tensor

RULE = "G24"


def read_sample(path: Path) -> Tensor:
    """Read a `.npy` file of any integer type, (C, H, W) or (C, L), values -128..127.

    Raises:
        InputError: missing or foreign file, wrong type, shape or range.
    """
    try:
        data = load_npy(path)
    except FileNotFoundError:
        raise InputError(
            "no such file", where=str(path), fix="give --sample-input", rule=RULE
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"is not a .npy array: {error}",
            where=str(path),
            fix="save it again with numpy.save",
            rule=RULE,
        ) from None
    if data.dtype.kind not in "iu":
        raise InputError(
            f"holds {data.dtype}, not integers",
            where=str(path),
            fix=AS_BYTES,
            rule=RULE,
        )
    if data.ndim not in (2, 3) or 0 in data.shape:
        raise InputError(
            f"has shape {data.shape}",
            where=str(path),
            fix="save one sample as (C, H, W) or (C, L)",
            rule=RULE,
        )
    if data.min() < -128 or data.max() > 127:
        raise InputError(
            f"has values {data.min()}..{data.max()}",
            where=str(path),
            fix="subtract 128 from bytes",
            rule=RULE,
        )
    return data.astype(np.int64).reshape((*data.shape, 1)[:3])
