"""Sample input file -> int64 array (C, H, W). Refuses whatever is not signed bytes in that
shape.
"""

import tokenize
from pathlib import Path

import numpy as np

from max78000.errors import InputError
from max78000.facts.fixed import AS_BYTES
from synthesis.read.source import Tensor

RULE = "G24"
# What reading an ill-formed header can raise.
FOREIGN_FILE = (OSError, ValueError, EOFError, SyntaxError, tokenize.TokenError, MemoryError)


def read_sample(path: Path) -> Tensor:
    """Read a `.npy` file of any integer type, (C, H, W) or (C, L), values -128..127.

    Raises:
        InputError: missing or foreign file, wrong type, shape or range.
    """
    try:
        with path.open("rb") as file:
            data = np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(
            "no such file", where=str(path), fix="give --sample-input", rule=RULE
        ) from None
    except FOREIGN_FILE as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"is not a .npy array: {reason}",
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
