"""A rough estimate of the energy of a layer, until a board has measured it.

Two figures give the line: about 20 mW with the accelerator on and little to do, about 65 mW with
all processors at work. Sources: published measurements of networks on this chip, 20 mW (arXiv
2202.07503), 35 mW (arXiv 2306.00001), 64 mW (AICAS 2022, face recognition). Expect a factor of two.
"""

IDLE_MW = 20.0
PROCESSOR_MW = 0.7  # (65 - 20) mW over 64 processors


def layer_energy_uj(time_us: float, n_processors: int) -> float:
    """Energy of a layer in microjoules, from its time and the processors that work on it."""
    return time_us * (IDLE_MW + PROCESSOR_MW * n_processors) / 1e3
