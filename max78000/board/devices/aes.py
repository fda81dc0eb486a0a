"""AES: encrypts and decrypts blocks of four words with the key of the key registers, at once.

Of a key and of a block the first word is the lowest: both are large numbers whose highest byte is
the first of the cipher. After a block the engine knows its key's end, and can decrypt with that
(TYPE 2) though the key registers have changed.

Source: [MSDK] aes_regs.h, aes_key_regs.h, aes_revb.c; [qemu] hw/misc/max78000_aes.c (order of
words and bytes).
"""

from max78000.board.devices.aes_cipher import BLOCK_BYTES, decrypt, encrypt
from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import RegisterBlock, Word

ENABLE, RECEIVE_DMA, SEND_DMA, START = 1, 2, 4, 8
INPUT_FLUSH, OUTPUT_FLUSH = 1 << 4, 1 << 5
INPUT_EMPTY, OUTPUT_EMPTY, OUTPUT_FULL = 1 << 1, 1 << 3, 1 << 4  # of STATUS
DONE, KEY_CHANGED, KEY_ZERO, OVERRUN = 1, 2, 4, 8  # of INTFL
KEY_BYTES = (16, 24, 32)  # by CTRL.KEY_SIZE
ENCRYPT, DECRYPT, DECRYPT_WITH_LAST = 0, 1, 2  # CTRL.TYPE
KEYS = "AESKEY"  # the device of the key registers
N_KEY_WORDS = 8
BLOCK_WORDS = BLOCK_BYTES // 4

# fmt: off
WORDS = (
    #    name      offset  writable  read-only
    Word("CTRL",    0x00,  0x3FF),
    Word("STATUS",  0x04,  0,        0x1F),
    Word("INTFL",   0x08,  0x1F),
    Word("INTEN",   0x0C,  0x1F),
    Word("FIFO",    0x10),
)
KEY_WORDS = tuple(Word(f"KEY{n}", 4 * n) for n in range(N_KEY_WORDS))
# fmt: on


class AesKeys(RegisterBlock):
    """The key registers."""

    def __init__(self, place: Placement, _around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, KEY_WORDS)
        self.is_changed = False  # since the engine last looked

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        self.values[name] = value
        self.is_changed = True

    def key(self, n_bytes: int) -> bytes:
        """The key of a length, first byte of the cipher first."""
        return _as_bytes([self.values[f"KEY{n}"] for n in range(n_bytes // 4)])

    def fill(self, words: list[int]) -> None:
        """Set all of them, as the random number generator does."""
        for n, word in enumerate(words):
            self.stored(f"KEY{n}", word)


class AesEngine(RegisterBlock):
    """The engine; its key registers are another device, which the table makes before it."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        keys = around.devices[KEYS]
        assert isinstance(keys, AesKeys)
        self._keys = keys
        self._around = around
        self._input: list[int] = []
        self._output: list[int] = []
        self._last_key = b""

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self._flags & self.values["INTEN"]))

    @property
    def requests(self) -> int:
        """DMA requests: a word of the result is there; a word of the next block may come."""
        control = self.values["CTRL"]
        wants_load = bool(control & RECEIVE_DMA and self._output)
        wants_store = bool(control & SEND_DMA and control & ENABLE and not self._output)
        return wants_load | wants_store << 1

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        match name:
            case "STATUS":
                is_full = len(self._output) == BLOCK_WORDS
                empty = (0 if self._input else INPUT_EMPTY) | (0 if self._output else OUTPUT_EMPTY)
                return empty | (OUTPUT_FULL if is_full else 0)
            case "INTFL":
                return self._flags
            case "FIFO":
                word = self._output.pop(0) if self._output else 0
                self._around.poke_dma()
                return word
        return self.values[name]

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        match name:
            case "CTRL":
                self._control(value)
            case "INTFL":
                self.values[name] = self._flags & ~value
                self._keys.is_changed &= not value & KEY_CHANGED
            case "FIFO":
                self._take(value)
            case _:
                self.values[name] = value
        self._around.poke_dma()

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._input.clear()
        self._output.clear()
        self._last_key = b""
        self._keys.is_changed = False

    @property
    def _flags(self) -> int:
        return self.values["INTFL"] | (KEY_CHANGED if self._keys.is_changed else 0)

    def _control(self, value: int) -> None:
        self.values["CTRL"] = value & ~(START | INPUT_FLUSH | OUTPUT_FLUSH)
        if value & INPUT_FLUSH:
            self._input.clear()
        if value & OUTPUT_FLUSH:
            self._output.clear()
        if value & START:
            self._work()

    def _take(self, word: int) -> None:
        if not self.values["CTRL"] & ENABLE:
            self.object_to("data is stored while it is off", "set CTRL bit 0 first")
            return
        self._input.append(word)
        if len(self._input) == BLOCK_WORDS:
            self._work()

    def _work(self) -> None:
        """Turn what is there into a result; words that a block lacks are zero."""
        kind, size = self.values["CTRL"] >> 8 & 3, self.values["CTRL"] >> 6 & 3
        if size == len(KEY_BYTES) or kind > DECRYPT_WITH_LAST:
            raise self.fault(f"CTRL asks for key size {size}, type {kind}, which is none")
        if kind != DECRYPT_WITH_LAST:
            self._last_key = self._keys.key(KEY_BYTES[size])
        if not self._last_key:
            raise self.fault("it decrypts with the last key, and has had none")
        block = _as_bytes(self._input + [0] * (BLOCK_WORDS - len(self._input)))
        result = (encrypt if kind == ENCRYPT else decrypt)(self._last_key, block)
        flags = DONE | (OVERRUN if self._output else 0)
        self.values["INTFL"] |= flags | (0 if any(self._last_key) else KEY_ZERO)
        self._input.clear()
        self._output = [int.from_bytes(result[n : n + 4], "big") for n in range(12, -1, -4)]


def _as_bytes(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(4, "big") for word in reversed(words))
