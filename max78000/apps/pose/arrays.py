"""Short names for types of arrays; their shapes are said where they are used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Indexes = NDArray[np.intp]
Uint8s = NDArray[np.uint8]  # pictures, and masks whose 255 counts whole
Int8s = NDArray[np.int8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Float16s = NDArray[np.float16]
Float32s = NDArray[np.float32]
Floats = NDArray[np.float64]
MapPair = tuple[Array, Array]  # heatmaps (..., 19, 16, 16), part-affinity maps (..., 38, 16, 16)
