"""Where a score lies on further examples of the kind, with 95 % confidence."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
Z_95 = 1.959963984540054  # of a normal distribution: 95 % lie within
_N_DRAWS, _SEED = 500, 0


def percent(share: float | None) -> str:
    """A share in percent; a dash where it is not known."""
    return "-" if share is None else f"{share:.1%}"


def wilson_interval(n_right: int, n: int, z: float = Z_95) -> Interval:
    """Interval of a share of which n_right in n were seen.

    From E. B. Wilson, "Probable inference, the law of succession, and statistical inference"
    (1927); unlike share +- z * deviation it stays within 0..1, and holds for few examples.
    """
    share, spread = n_right / n, z * z / n
    middle = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread))


def bootstrap_interval(
    n_examples: int, score: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of any score that is made of sums over examples: what other draws of them give.

    From B. Efron, "Bootstrap methods: another look at the jackknife" (1979), by percentiles; the
    draws are always the same.

    Args:
        n_examples: the examples are independent of each other.
        score: how often each example counts, (draws, n_examples), to scores (draws, ...).

    Returns:
        Lower and upper ends, each of the shape of one score; NaN where no draw has one.
    """
    rng = np.random.default_rng(_SEED)
    shares = np.full(n_examples, 1 / n_examples)
    drawn = score(rng.multinomial(n_examples, shares, _N_DRAWS).astype(np.float64))
    low, high = np.full(drawn.shape[1:], np.nan), np.full(drawn.shape[1:], np.nan)
    known = ~np.isnan(drawn).all(axis=0)
    low[known], high[known] = np.nanpercentile(drawn[:, known], (2.5, 97.5), axis=0)
    return low, high
