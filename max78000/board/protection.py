"""Holds the core to its memory protection unit: forbidden accesses become faults of the program.

The emulator protects pages of 1 KiB of flash and RAM; a border inside a page is an objection, and
the page stays open. Devices are not protected, nor is anything from the DMA.

Source: [Armv7-M] B1.5.14 (faults), B3.2.15 to B3.2.18 (their registers).
"""

from itertools import groupby, pairwise

from max78000.board.cpu import Core
from max78000.board.engine import Denied, Region
from max78000.board.mpu import ALL_RIGHTS, Rights
from max78000.board.objections import Objections
from max78000.board.scs import HARD_FAULT, MEMORY_FAULT, NMI, SystemControl
from max78000.errors import BoardError

PAGE_BYTES = 0x400
FETCH_DENIED, DATA_DENIED, STACKING_DENIED, ADDR_IS_VALID = 1 << 0, 1 << 1, 1 << 4, 1 << 7  # CFSR


class Protection:
    """Between the core and the registers of its unit.

    Args:
        core: whose memory is protected.
        scs: has the registers.
        regions: the memory.
        objections: takes borders that are too fine.
    """

    def __init__(
        self, core: Core, scs: SystemControl, regions: tuple[Region, ...], objections: Objections
    ) -> None:
        self._core = core
        self._scs = scs
        self._regions = regions
        self._objections = objections
        self._protected: list[tuple[int, int, Region]] = []  # address, bytes, and where

    def follow(self) -> None:
        """Protect what the registers say now, if they have changed."""
        mpu, scs = self._scs.mpu, self._scs
        if not mpu.is_changed:
            return
        mpu.is_changed = False
        for addr, n_bytes, region in self._protected:
            self._core.protect(addr, n_bytes, ALL_RIGHTS, region)
        self._protected.clear()
        is_hard_fault = any(n in (NMI, HARD_FAULT) for n in scs.active)
        if not mpu.is_on(is_hard_fault=is_hard_fault):
            return
        for region in self._regions:
            for first, end, rights in self._parts(region):
                if rights != ALL_RIGHTS:
                    self._protect(first, end - first, rights, region)

    def fault(self, denied: Denied) -> None:
        """The program has done what it may not: make that an exception.

        Raises:
            BoardError: it did so in a handler of a hard fault.
        """
        flags = FETCH_DENIED if denied.is_fetch else DATA_DENIED | ADDR_IS_VALID
        self._raise(flags, denied.addr, denied.why)

    def note_lost_frame(self, exception: int) -> bool:
        """A frame could not be stored: True if that makes another exception."""
        self._scs.note_fault(STACKING_DENIED)
        if exception in (HARD_FAULT, MEMORY_FAULT):
            return False
        self._raise(STACKING_DENIED, None, "the frame of an exception is where nothing may be")
        return True

    def _raise(self, flags: int, addr: int | None, why: str) -> None:
        if any(n in (NMI, HARD_FAULT) for n in self._scs.active):
            raise BoardError(f"{why}, in a handler of a hard fault", where=self._core.place)
        is_masked = self._core.is_masking or not self._scs.preempts(
            MEMORY_FAULT, self._core.register("BASEPRI")
        )
        self._scs.note_fault(flags, addr)
        self._scs.pend_memory_fault(is_masked=is_masked)

    def _parts(self, region: Region) -> list[tuple[int, int, Rights]]:
        """A memory in parts that have the same rights everywhere: first address, end, rights."""
        end = region.addr + len(region.buffer)
        edges = {edge for edge in self._scs.mpu.edges if region.addr < edge < end}
        pieces = pairwise(sorted({region.addr, *edges, end}))
        runs = groupby(pieces, lambda piece: self._scs.mpu.rights(piece[0]))
        parts = [(rights, list(same)) for rights, same in runs]
        return [(same[0][0], same[-1][1], rights) for rights, same in parts]

    def _protect(self, addr: int, n_bytes: int, rights: Rights, region: Region) -> None:
        first, end = (
            -(-addr // PAGE_BYTES) * PAGE_BYTES,
            (addr + n_bytes) // PAGE_BYTES * PAGE_BYTES,
        )
        if (first, end) != (addr, addr + n_bytes):
            why = f"{n_bytes} bytes from {addr:#010x} are protected, in parts of {PAGE_BYTES}"
            fix = f"let regions begin and end at multiples of {PAGE_BYTES}"
            self._objections.raise_or_count(BoardError(why, where="MPU", fix=fix))
        if first < end:
            self._core.protect(first, end - first, rights, region)
            self._protected.append((first, end - first, region))
