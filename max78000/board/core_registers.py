"""Names of the core's registers, by their numbers in DCRSR. Source: [Armv7-M] C1.6."""

from collections.abc import Mapping
from types import MappingProxyType

from max78000.errors import BoardError

CORE_NAMES: Mapping[int, str] = MappingProxyType(
    {n: f"R{n}" for n in range(13)}
    | {13: "SP", 14: "LR", 16: "XPSR", 17: "MSP", 18: "PSP", 0x21: "FPSCR"}
    | {0x40 + n: f"S{n}" for n in range(32)}
)
CORE_REGISTERS = (*(f"R{n}" for n in range(13)), "SP", "LR", "XPSR")
SPECIAL_NAMES = ("PRIMASK", "BASEPRI", "FAULTMASK", "CONTROL")  # bytes of register 20


def core_name(number: int) -> str:
    """The name of a register.

    Raises:
        BoardError: there is none of that number.
    """
    name = CORE_NAMES.get(number)
    if name is None:
        raise BoardError(f"the core has no register {number:#x}")
    return name
