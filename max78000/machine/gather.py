"""The byte gather of each quadrant: reads that return four pixels of one byte lane. Runs no layer.

Software turns 8-bit results into planes with it. What silicon does beyond the sequence below was
never seen, so that everything else is a fault: CTL.mlat_ld goes from 0 to 1 and takes the address
from WPTR_BASE of layer 0 (instance and word, as a layer writes them), LCTL2 of layer 0 is 0 (each
pixel is the next word), the first load of MLAT returns nothing, every further one four pixels of
the lane in CTL.mlatch_sel, the first in the low byte.
Source: docs/hardware/registers.md#byte-gather.
"""

import numpy as np

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.machine.memory import LANES, ByteState, DataMemory, MachineFault, RegisterFile

PIXELS = 4  # bytes that one load returns


class ByteGather:
    """The address counters behind MLAT, one per quadrant."""

    def __init__(self, chip: Chip, registers: RegisterFile, data: DataMemory) -> None:
        self._chip = chip
        self._registers = registers
        self._data = data
        self._next_word: dict[int, int | None] = {}  # None: the load that returns nothing is due

    def control(self, quadrant: int, word: int) -> None:
        """See a store to CTL: mlat_ld starts and ends gathering."""
        if not regmap.CTL.field("mlat_ld").get(word):
            self._next_word.pop(quadrant, None)
            return
        if regmap.CTL.field("cnn_en").get(word):
            raise MachineFault("gathers bytes while the network runs", where=f"quadrant {quadrant}")
        self._next_word.setdefault(quadrant, None)

    def load(self, quadrant: int) -> int:
        """Load MLAT.

        Raises:
            MachineFault: gathering is off, the address leaves the quadrant's memories, the
                increment is not 0, or nobody gave one of the bytes a value.
        """
        where = f"quadrant {quadrant} MLAT"
        if quadrant not in self._next_word:
            raise MachineFault("is read, but CTL.mlat_ld is 0", where=where)
        word = self._next_word[quadrant]
        if word is None:
            # Quirk gather-address: the result's own place, as the vendor's simulation has it.
            self._next_word[quadrant] = self._registers.get(regmap.WPTR_BASE, "word", quadrant)
            return 0
        if self._registers.load(regmap.LCTL2, quadrant):
            raise MachineFault("LCTL2 of layer 0 is not 0: its effect is not modelled", where=where)
        instance = self._instance(quadrant, where)
        self._data.require_words(instance, word, word + PIXELS - 1)
        lane = self._registers.get(regmap.CTL, "mlatch_sel", quadrant)
        assert lane < LANES
        if (self._data.states[instance, word : word + PIXELS, lane] != ByteState.DEFINED).any():
            raise MachineFault(f"nobody gave words {word:#x}.. lane {lane} a value", where=where)
        self._next_word[quadrant] = word + PIXELS
        gathered = self._data.lanes[instance, word : word + PIXELS, lane]
        return int.from_bytes(np.ascontiguousarray(gathered).tobytes(), "little")

    def _instance(self, quadrant: int, where: str) -> int:
        instance = self._registers.get(regmap.WPTR_BASE, "instance", quadrant)
        per_quadrant = self._chip.n_instances // self._chip.n_quadrants
        if instance // per_quadrant != quadrant:
            raise MachineFault(f"data memory {instance} belongs to another quadrant", where=where)
        return instance
