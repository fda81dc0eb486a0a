"""Low-power modes as software sees them: who may wake the core, and what it wakes to.

Nothing is modelled of supplies and currents. In standby and micro-power only the devices run that
the table names, though here the others count on and merely cannot wake. From backup and power-down
the chip comes back by a reset.

Source: [MSDK] gcr_regs.h, pwrseq_regs.h, lp_ai85.c; [DS] operating modes.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Mode(IntEnum):
    """GCR PM.MODE."""

    ACTIVE = 0
    SLEEP = 1
    STANDBY = 2
    BACKUP = 4
    LOW_POWER = 8
    MICRO_POWER = 9
    POWER_DOWN = 10


OFF_MODES = (Mode.BACKUP, Mode.POWER_DOWN)  # entered by the store itself
MODE_MASK = 0xF

# fmt: off
# interrupt -> (register, bit) that lets it wake from more than low-power mode
#                        PM                LPPWEN
WAKERS: Mapping[int, tuple[str, int]] = MappingProxyType({
    24: ("PM", 4), 25: ("PM", 4), 26: ("PM", 4), 54: ("PM", 4),  # pins
    3:  ("PM", 5),                                               # real-time clock
    53: ("PM", 7),                                               # wake-up timer
    57: ("LPPWEN", 9),                                           # WDT1
    9:  ("LPPWEN", 15), 10: ("LPPWEN", 16),                      # TMR4, TMR5
    88: ("LPPWEN", 20),                                          # UART3
    103: ("LPPWEN", 26),                                         # comparators
})
# fmt: on
ALWAYS_ON = frozenset({3, 24, 25, 26, 53, 54, 103})  # interrupts of what runs in every mode


def may_wake(irq: int, mode: Mode, enables: Mapping[str, int]) -> bool:
    """Whether an interrupt ends a low-power mode.

    Args:
        irq: its number.
        mode: the mode.
        enables: the registers PM and LPPWEN.
    """
    if mode in (Mode.ACTIVE, Mode.SLEEP, Mode.LOW_POWER):
        return True
    if irq not in WAKERS or (mode is not Mode.MICRO_POWER and irq not in ALWAYS_ON):
        return False
    register, bit = WAKERS[irq]
    return bool(enables[register] >> bit & 1)
