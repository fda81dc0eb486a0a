"""TRNG: random words, here from a seed, so that the same program always meets the same ones.

A word is ready at once. A generated key goes to the key memory of the AES engine. The SVD gives 3
as the value of CTRL after a reset, with the interrupt on; here it is off until a program wants it.

Source: [MSDK] trng_regs.h, trng_revb.c.
"""

import random

from max78000.board.devices.aes import KEYS, N_KEY_WORDS, AesKeys
from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word

INTERRUPT_ON, KEY_GENERATE, KEY_WIPE = 1 << 1, 1 << 3, 1 << 15
READY = 1

# fmt: off
WORDS = (
    #    name      offset  writable                                     read-only  reset
    Word("CTRL",    0x00,  1 | INTERRUPT_ON | KEY_GENERATE | KEY_WIPE,  0,         1),
    Word("STATUS",  0x04,  0,                                           READY),
    Word("DATA",    0x08,  0,                                           ALL),
)
# fmt: on


class RandomNumbers(RegisterBlock):
    """The generator."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._timeline = around.timeline
        keys = around.devices[KEYS]
        assert isinstance(keys, AesKeys)
        self._keys = keys
        self._random = random.Random(around.world.seed)

    @property
    def asserted(self) -> int:
        """The interrupt line: a word is always ready."""
        return int(bool(self.values["CTRL"] & INTERRUPT_ON))

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "STATUS":
            return READY
        if name == "DATA":
            self._timeline.end_polling()
            return self._random.getrandbits(32)
        return self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if value & KEY_GENERATE:
            self._keys.fill([self._random.getrandbits(32) for _ in range(N_KEY_WORDS)])
        if value & KEY_WIPE:
            self._keys.fill([0] * N_KEY_WORDS)
        self.values[name] = value & ~(KEY_GENERATE | KEY_WIPE)
