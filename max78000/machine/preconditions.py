"""What has to hold when the accelerator starts, over all quadrants and layers. Changes nothing.

Contradictions inside one layer are found where its registers are read, in `decode`.
"""

from itertools import pairwise

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.machine.frame import InputFrame
from max78000.machine.memory import LANES, MachineFault, RegisterFile
from max78000.machine.setup import LayerSetup


def require_quadrants(
    chip: Chip, registers: RegisterFile, quadrants: tuple[int, ...], n_layers: int
) -> None:
    """Every running quadrant has clock and power and counts the same layers; no other has work.

    Raises:
        MachineFault: with the quadrant.
    """
    unpowered = registers.get(regmap.AON, "pd")
    for quadrant in range(chip.n_quadrants):
        where = f"quadrant {quadrant}"
        if quadrant not in quadrants:
            for layer in range(n_layers):
                if registers.load(regmap.ENA, quadrant, layer):
                    reason = f"layer {layer} needs it, but it was not started"
                    raise MachineFault(reason, where=where)
            continue
        last = registers.get(regmap.LCNT_MAX, "value", quadrant)
        if last != n_layers - 1:
            raise MachineFault(f"LCNT_MAX is {last}, in quadrant 0 {n_layers - 1}", where=where)
        if unpowered >> quadrant & 1:
            raise MachineFault("runs, but AON.pd takes the power from its kernels", where=where)
        if not registers.get(regmap.CTL, "clk_en", quadrant):
            raise MachineFault("runs, but CTL.clk_en is 0", where=where)


def require_streaming(
    registers: RegisterFile,
    quadrants: tuple[int, ...],
    setups: tuple[LayerSetup, ...],
    frame: InputFrame | None,
) -> None:
    """Streaming is switched on where a layer streams, and layers wait for what they read first.

    How long they wait later (STREAM2) is not looked at: a layer runs as a whole here.

    Raises:
        MachineFault: with the quadrant or the layer.
    """
    streams = int(any(setup.read.ring_words for setup in setups))
    for quadrant in quadrants:
        for name in ("stream_en", "lilbuf"):
            if registers.get(regmap.CTL, name, quadrant) != streams:
                reason = f"CTL.{name} is {1 - streams}, FMAX of the layers says {streams}"
                raise MachineFault(reason, where=f"quadrant {quadrant}")
    if frame is None and setups[0].read.ring_words:
        raise MachineFault("streams, but no FIFO is on", where=f"layer {setups[0].index}")
    _require_start(setups[0], 0 if frame is None else _first_wait(setups[0], frame))
    for before, setup in pairwise(setups):
        _require_start(setup, _later_wait(before, setup) if setup.read.ring_words else 0)
    for setup in setups:
        needed = _window_words(setup) * setup.read.words_per_pixel
        if 0 < setup.read.ring_words < needed and not setup.read.is_chw:
            reason = f"FMAX is {setup.read.ring_words}, a window needs {needed} words"
            raise MachineFault(reason, where=f"layer {setup.index}")


def _require_start(setup: LayerSetup, needed: int) -> None:
    """Refuse a layer that starts before its first window is there, or waits for nothing."""
    start = setup.read.start
    if start < needed or (start and not needed):
        reason = f"STREAM1.start is {start}, its first window needs {needed} values"
        raise MachineFault(reason, where=f"layer {setup.index}")


def _first_wait(setup: LayerSetup, frame: InputFrame) -> int:
    """Words of a FIFO that the first layer reads first: all of them, unless it streams."""
    return _window_words(setup) if setup.read.ring_words else frame.n_words


def _later_wait(before: LayerSetup, setup: LayerSetup) -> int:
    """Positions that the layer before has to have gone through, padding included."""
    kernel, pool = before.kernel, setup.pool
    row, rows, columns = before.pooled_shape[1], pool.rows, pool.columns
    if kernel is not None:
        row += 2 * kernel.pad_columns
        rows += kernel.rows - 1
        columns += kernel.columns - 1
    return row * (rows - 1) + columns


def _window_words(setup: LayerSetup) -> int:
    """Words from the first to the last pixel of a pooling window, in one pass.

    Programs do not count waits by passes; why that is enough is not known.
    """
    n_pixels = (setup.pool.rows - 1) * setup.read.columns + setup.pool.columns
    return -(-n_pixels // LANES) if setup.read.is_chw else n_pixels
