"""Functions of the support package's math.h, compiled for this machine, against exact ones."""

import ctypes
import math

import numpy as np
import pytest
from native_build import build_native, renamed

from max78000.firmware.sources import SUPPORT

UNITS = 1.1  # in the last place; the header promises two


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("math")
    flags = ("-O2", "-ffreestanding", f"-I{SUPPORT / 'include'}")
    names = renamed("expf", "logf", "sqrtf")
    found = build_native(folder / "math.so", [SUPPORT / "src/math.c"], *flags, *names)
    for function in (found.bsp_expf, found.bsp_logf, found.bsp_sqrtf):
        function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    return found


def draw(low, high):
    return np.random.default_rng(1).uniform(low, high, 5000).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "exact", "numbers"),
    [
        ("bsp_expf", np.exp, draw(-20, 20)),
        ("bsp_expf", np.exp, draw(-87, 88.7)),
        ("bsp_expf", np.exp, draw(-1, 1)),
        ("bsp_expf", np.exp, draw(-103, -87)),
        ("bsp_logf", np.log, draw(0.5, 2)),
        ("bsp_logf", np.log, draw(1, 1000)),
        ("bsp_logf", np.log, np.exp(draw(-87, 88))),
        ("bsp_logf", np.log, np.float32([1, 1e-40, 3e38])),
        ("bsp_sqrtf", np.sqrt, draw(0, 4)),
        ("bsp_sqrtf", np.sqrt, np.exp(draw(-100, 88))),
    ],
)
def test_results_are_near_the_exact_ones(library, name, exact, numbers):
    found = np.array([getattr(library, name)(float(number)) for number in numbers])
    wanted = exact(numbers.astype(np.float64))
    unit = np.spacing(np.abs(wanted).astype(np.float32))
    assert (np.abs(found - wanted) / unit).max() < UNITS


def test_ends(library):
    assert library.bsp_expf(0) == 1
    assert library.bsp_expf(-math.inf) == library.bsp_expf(-104) == 0
    assert library.bsp_expf(math.inf) == library.bsp_expf(88.73) == math.inf
    assert library.bsp_logf(0) == -math.inf
    assert library.bsp_logf(math.inf) == math.inf
    assert library.bsp_logf(1) == 0
    assert library.bsp_sqrtf(0) == 0
    assert library.bsp_sqrtf(math.inf) == math.inf
    assert library.bsp_sqrtf(49) == 7
    assert math.isnan(library.bsp_sqrtf(-1))
    for name, number in (("bsp_expf", math.nan), ("bsp_logf", math.nan), ("bsp_logf", -1)):
        assert math.isnan(getattr(library, name)(number))
