"""The core's memory protection unit: eight regions, and what they let the program do.

Registers and arithmetic only; `protection` holds the core to it. All code is privileged here.
Memory attributes (TEX, S, C, B) have no effect.

Source: [Armv7-M] B3.5.
"""

from dataclasses import dataclass

from max78000.errors import BoardError

# fmt: off
TYPE, CTRL, RNR     = 0xE000_ED90, 0xE000_ED94, 0xE000_ED98
RBAR, RASR, LAST    = 0xE000_ED9C, 0xE000_EDA0, 0xE000_EDB8  # RBAR and RASR are there four times
ALIAS_BYTES         = 8

#                            bit of
ENABLE, IN_HARD_FAULT, BACKGROUND = 1 << 0, 1 << 1, 1 << 2  # CTRL
VALID                             = 1 << 4                  # RBAR
NEVER_EXECUTE                     = 1 << 28                 # RASR
# fmt: on
N_REGIONS = 8
N_SUBREGIONS = 8
SMALLEST_SIZE, SMALLEST_WITH_SUBREGIONS = 4, 7  # of RASR.SIZE: 32 and 256 bytes
NO_ACCESS, READ_WRITE, READ_ONLY = (0,), (1, 2, 3), (5, 6, 7)  # RASR.AP, for privileged code


@dataclass(frozen=True, slots=True)
class Rights:
    """What a program may do at an address."""

    may_load: bool
    may_store: bool
    may_execute: bool


ALL_RIGHTS = Rights(may_load=True, may_store=True, may_execute=True)
NO_RIGHTS = Rights(may_load=False, may_store=False, may_execute=False)


@dataclass(slots=True)
class MpuRegion:
    """One region as its two registers say."""

    base: int = 0
    attributes: int = 0

    @property
    def n_bytes(self) -> int:
        """Its size; 0 while it is off."""
        return 2 << (self.attributes >> 1 & 0x1F) if self.attributes & ENABLE else 0

    @property
    def edges(self) -> tuple[int, ...]:
        """Where it and its subregions begin, and its end."""
        step = self._step
        return tuple(range(self.base, self.base + self.n_bytes + 1, step)) if step else ()

    def rights(self, addr: int) -> Rights | None:
        """What it lets a program do; None where it does not reach."""
        if not self.base <= addr < self.base + self.n_bytes:
            return None
        if self.attributes >> 8 + (addr - self.base) // self._step & 1 and self._has_subregions:
            return None
        access = self.attributes >> 24 & 7
        may_load = access in READ_WRITE + READ_ONLY
        may_execute = may_load and not self.attributes & NEVER_EXECUTE
        return Rights(may_load, access in READ_WRITE, may_execute)

    @property
    def _has_subregions(self) -> bool:
        return self.attributes >> 1 & 0x1F >= SMALLEST_WITH_SUBREGIONS

    @property
    def _step(self) -> int:
        return self.n_bytes // (N_SUBREGIONS if self._has_subregions else 1)


class Mpu:
    """The registers; `is_changed` stays set until whoever enforces them has looked."""

    def __init__(self) -> None:
        self.is_changed = False
        self.reset()

    def reset(self) -> None:
        """Return to the state after a system reset: off."""
        self._control = self._number = 0
        self._regions = [MpuRegion() for _ in range(N_REGIONS)]
        self.is_changed = True

    def load(self, addr: int) -> int:
        """Return a register."""
        match addr:
            case 0xE000_ED90:
                return N_REGIONS << 8
            case 0xE000_ED94:
                return self._control
            case 0xE000_ED98:
                return self._number
        region = self._regions[self._number]
        is_base = (addr - RBAR) % ALIAS_BYTES == 0
        return region.base | self._number if is_base else region.attributes

    def store(self, addr: int, value: int) -> None:
        """Take a register.

        Raises:
            BoardError: there is no such region, or it is not as the core wants it.
        """
        self.is_changed = True
        if addr == CTRL:
            self._control = value & (ENABLE | IN_HARD_FAULT | BACKGROUND)
        elif addr == RNR:
            self._select(value & 0xFF)
        elif addr >= RBAR and (addr - RBAR) % ALIAS_BYTES == 0:
            if value & VALID:
                self._select(value & 0xF)
            self._regions[self._number].base = value & ~0x1F
        elif addr >= RBAR:
            self._regions[self._number].attributes = value
            self._check(self._regions[self._number])

    def is_on(self, *, is_hard_fault: bool) -> bool:
        """Whether it has a say, in a handler of a hard fault or elsewhere."""
        return bool(self._control & ENABLE and (self._control & IN_HARD_FAULT or not is_hard_fault))

    @property
    def edges(self) -> set[int]:
        """Addresses where rights may change."""
        return {edge for region in self._regions for edge in region.edges}

    def rights(self, addr: int) -> Rights:
        """What a program may do while the unit is on: the last region that reaches there says."""
        for region in reversed(self._regions):
            rights = region.rights(addr)
            if rights is not None:
                return rights
        return ALL_RIGHTS if self._control & BACKGROUND else NO_RIGHTS

    def _select(self, number: int) -> None:
        if number >= N_REGIONS:
            why = f"region {number} of the MPU is chosen; it has {N_REGIONS}"
            raise BoardError(why, where="core registers")
        self._number = number

    def _check(self, region: MpuRegion) -> None:
        size, n_bytes = region.attributes >> 1 & 0x1F, region.n_bytes
        if not n_bytes:
            return
        where = f"MPU region {self._number}"
        if size < SMALLEST_SIZE:
            raise BoardError(f"RASR.SIZE is {size}, under 32 bytes", where=where)
        if region.base % n_bytes:
            why = f"{n_bytes} bytes begin at {region.base:#010x}"
            raise BoardError(why, where=where, fix="begin at a multiple of the size")
