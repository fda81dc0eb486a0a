"""JTAG, one clock edge at a time: the TAP state machine and the registers of the JTAG-DP.

Source: [JTAG] states; [ADI] B3 (JTAG-DP scan chains).
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from max78000.debug.debug_port import CTRL_STAT, RDBUFF, DebugPort

IR_BITS = 4
IR_CAPTURE = 0b0001
ABORT, DPACC, APACC, IDCODE = 0x8, 0xA, 0xB, 0xE
ACK_OK = 0b010
ACCESS_BITS = 35  # 32 of data, 2 of address, 1 for reading; or data and 3 of acknowledge


class TapState(Enum):
    """States of the test access port."""

    RESET = "Test-Logic-Reset"
    IDLE = "Run-Test/Idle"
    SELECT_DR = "Select-DR-Scan"
    CAPTURE_DR = "Capture-DR"
    SHIFT_DR = "Shift-DR"
    EXIT1_DR = "Exit1-DR"
    PAUSE_DR = "Pause-DR"
    EXIT2_DR = "Exit2-DR"
    UPDATE_DR = "Update-DR"
    SELECT_IR = "Select-IR-Scan"
    CAPTURE_IR = "Capture-IR"
    SHIFT_IR = "Shift-IR"
    EXIT1_IR = "Exit1-IR"
    PAUSE_IR = "Pause-IR"
    EXIT2_IR = "Exit2-IR"
    UPDATE_IR = "Update-IR"


S = TapState
# state -> next state for TMS 0 and for TMS 1
NEXT: Mapping[TapState, tuple[TapState, TapState]] = MappingProxyType(
    {
        S.RESET: (S.IDLE, S.RESET),
        S.IDLE: (S.IDLE, S.SELECT_DR),
        S.SELECT_DR: (S.CAPTURE_DR, S.SELECT_IR),
        S.CAPTURE_DR: (S.SHIFT_DR, S.EXIT1_DR),
        S.SHIFT_DR: (S.SHIFT_DR, S.EXIT1_DR),
        S.EXIT1_DR: (S.PAUSE_DR, S.UPDATE_DR),
        S.PAUSE_DR: (S.PAUSE_DR, S.EXIT2_DR),
        S.EXIT2_DR: (S.SHIFT_DR, S.UPDATE_DR),
        S.UPDATE_DR: (S.IDLE, S.SELECT_DR),
        S.SELECT_IR: (S.CAPTURE_IR, S.RESET),
        S.CAPTURE_IR: (S.SHIFT_IR, S.EXIT1_IR),
        S.SHIFT_IR: (S.SHIFT_IR, S.EXIT1_IR),
        S.EXIT1_IR: (S.PAUSE_IR, S.UPDATE_IR),
        S.PAUSE_IR: (S.PAUSE_IR, S.EXIT2_IR),
        S.EXIT2_IR: (S.SHIFT_IR, S.UPDATE_IR),
        S.UPDATE_IR: (S.IDLE, S.SELECT_DR),
    }
)


class JtagPort:
    """JTAG in front of a debug port; every read is posted and comes with the next scan."""

    def __init__(self, port: DebugPort) -> None:
        self._port = port
        self.state = TapState.RESET
        self._instruction = IDCODE
        self._shift = 0
        self._n_bits = 1
        self._posted = 0

    @property
    def tdo(self) -> int:
        """Level of the output pin between two clock edges."""
        return self._shift & 1

    def clock(self, tms: int, tdi: int) -> None:
        """One rising edge of TCK with these levels."""
        state = self.state
        if state is TapState.SHIFT_DR or state is TapState.SHIFT_IR:
            self._shift = self._shift >> 1 | tdi << (self._n_bits - 1)
        elif state is TapState.CAPTURE_DR:
            self._shift, self._n_bits = self._captured()
        elif state is TapState.CAPTURE_IR:
            self._shift, self._n_bits = IR_CAPTURE, IR_BITS
        self.state = NEXT[state][tms]
        if self.state is TapState.RESET:
            self._instruction = IDCODE
        elif self.state is TapState.UPDATE_IR:
            self._instruction = self._shift
        elif self.state is TapState.UPDATE_DR:
            self._update()

    def reset(self) -> None:
        """Take the test reset pin: the TAP starts over, the debug port keeps its registers."""
        self.state = TapState.RESET
        self._instruction = IDCODE

    def _captured(self) -> tuple[int, int]:
        """Contents and length of the chosen data register."""
        if self._instruction == IDCODE:
            return self._port.identity.jtag_idcode, 32
        if self._instruction in (ABORT, DPACC, APACC):
            return self._posted << 3 | ACK_OK, ACCESS_BITS
        return 0, 1  # BYPASS, and every unknown instruction

    def _update(self) -> None:
        is_read, addr = bool(self._shift & 1), (self._shift >> 1 & 3) << 2
        value = self._shift >> 3
        if self._instruction == ABORT:
            self._port.abort(value)
        elif self._instruction == DPACC:
            self._access_dp(addr, value, is_read=is_read)
        elif self._instruction == APACC:
            self._access_ap(addr, value, is_read=is_read)

    def _access_dp(self, addr: int, value: int, *, is_read: bool) -> None:
        if is_read:
            if addr != RDBUFF:  # reading RDBUFF only collects what is posted
                self._posted = self._port.read(addr)
            return
        if addr == CTRL_STAT:
            self._port.clear(value)
        self._port.write(addr, value)

    def _access_ap(self, addr: int, value: int, *, is_read: bool) -> None:
        """Access the port; with a sticky flag set the access is dropped."""
        if self._port.is_stuck:
            self._posted = 0
        elif is_read:
            self._posted = self._port.read_ap(addr)
        else:
            self._port.write_ap(addr, value)
