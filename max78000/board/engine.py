"""Unicorn, the emulator of instructions: loading it, and giving it memory. Knows no register's use.

It is an optional dependency under another licence (GPL-2.0): only the virtual board needs it.
"""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from max78000.board.mpu import ALL_RIGHTS, Rights
from max78000.errors import UnsupportedError

INVALID_ACCESS: Mapping[int, str] = MappingProxyType(
    {
        #  unicorn's UC_MEM_*
        19: "loads from {addr}, where nothing is",
        20: "stores to {addr}, where nothing is",
        21: "jumps to {addr}, where nothing is",
        22: "stores to {addr}, which is flash",
        23: "loads from {addr}, which cannot be read",
        24: "jumps to {addr}, which holds no code",
    }
)


@dataclass(frozen=True, slots=True)
class Region:
    """Plain memory that the core reaches without the bus."""

    addr: int
    buffer: bytearray
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """An access to memory whose rights do not allow it."""

    addr: int
    is_fetch: bool
    why: str


PROTECTED = (22, 23, 24)  # unicorn's UC_MEM_WRITE_PROT, READ_PROT and FETCH_PROT
FETCH_PROTECTED = 24


def load_unicorn() -> tuple[Any, Mapping[str, int]]:
    """The emulator, and its register numbers by name.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        import unicorn  # noqa: PLC0415 - large, optional, and under another licence
        import unicorn.arm_const  # noqa: PLC0415
    except ImportError:
        fix = 'pip install "max78000-toolchain[board]"'
        raise UnsupportedError("the virtual board needs unicorn", fix=fix) from None
    prefix = "UC_ARM_REG_"
    constants = vars(unicorn.arm_const)
    names = {n.removeprefix(prefix): v for n, v in constants.items() if n.startswith(prefix)}
    return unicorn, names


def share(engine: Any, region: Region, unicorn: Any) -> object:
    """Give the engine a buffer; the result must live as long as the engine."""
    shared = (ctypes.c_char * len(region.buffer)).from_buffer(region.buffer)
    rights = permissions(region, ALL_RIGHTS, unicorn)
    engine.mem_map_ptr(region.addr, len(region.buffer), rights, ctypes.addressof(shared))
    return shared


def permissions(region: Region, rights: Rights, unicorn: Any) -> int:
    """What the engine is told of memory: flash takes no stores, whatever the rights."""
    bits = unicorn.UC_PROT_READ if rights.may_load else 0
    bits |= unicorn.UC_PROT_EXEC if rights.may_execute else 0
    return bits | (unicorn.UC_PROT_WRITE if rights.may_store and region.is_writable else 0)
