"""The debug port (DP): power-up, choice of the access port, sticky errors.

One level above the wire and one below memory: the SWD and JTAG front ends call it with register
addresses, and read what they must answer. Source: [ADI] B2 (DP registers).
"""

from max78000.debug.access_port import MemoryAccessPort
from max78000.debug.core import CoreDebug
from max78000.debug.identity import Identity
from max78000.debug.target import Target
from max78000.errors import BoardError

# fmt: off
#   address      read       write
DPIDR,   ABORT  = 0x0,       0x0
CTRL_STAT       = 0x4
RESEND,  SELECT = 0x8,       0x8
RDBUFF          = 0xC

#                 bit of CTRL/STAT
ORUN_DETECT     = 1 << 0
STICKY_OVERRUN  = 1 << 1
STICKY_COMPARE  = 1 << 4
STICKY_ERROR    = 1 << 5
WRITE_ERROR     = 1 << 7
POWER_REQUESTS  = 1 << 30 | 1 << 28 | 1 << 26  # system, debug, debug reset; each answered one up
# fmt: on
STICKY_BITS = STICKY_OVERRUN | STICKY_COMPARE | STICKY_ERROR | WRITE_ERROR
CTRL_WRITABLE = POWER_REQUESTS | 0xFFF << 12 | 0xF << 8 | ORUN_DETECT
DEBUG_POWER = 1 << 28

# bit of ABORT -> flag it clears
_ABORT_CLEARS = (
    (1 << 1, STICKY_COMPARE),
    (1 << 2, STICKY_ERROR),
    (1 << 3, WRITE_ERROR),
    (1 << 4, STICKY_OVERRUN),
)


class DebugPort:
    """The port of one chip, with its single access port behind it."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.identity = identity or Identity()
        self.core = CoreDebug(target, self.identity)
        self._access_port = MemoryAccessPort(self.core, self.identity)
        self._control = 0
        self._select = 0
        self.last_error: BoardError | None = None  # what set the sticky error

    @property
    def is_stuck(self) -> bool:
        """A sticky flag is set: accesses are refused until it is cleared."""
        return bool(self._control & STICKY_BITS)

    @property
    def bank(self) -> int:
        """Bank of the DP registers at address 4."""
        return self._select & 0xF

    def status(self) -> int:
        """CTRL/STAT: kept bits, sticky flags, and every power request acknowledged."""
        return self._control | (self._control & POWER_REQUESTS) << 1

    def read(self, addr: int) -> int:
        """Return DP register 0x0 or 0x4; RDBUFF and RESEND belong to the front end."""
        if addr == DPIDR:
            return self.identity.dpidr
        return self.status() if addr == CTRL_STAT and self.bank == 0 else 0

    def write(self, addr: int, value: int) -> None:
        """Set CTRL/STAT or SELECT; ABORT has a method of its own."""
        if addr == CTRL_STAT and self.bank == 0:
            self._control = self._control & STICKY_BITS | value & CTRL_WRITABLE
        elif addr == SELECT:
            self._select = value

    def abort(self, value: int) -> None:
        """Clear the sticky flags that ABORT names."""
        for bit, flag in _ABORT_CLEARS:
            if value & bit:
                self._control &= ~flag

    def clear(self, flags: int) -> None:
        """Clear sticky flags directly, as JTAG does by writing ones to CTRL/STAT."""
        self._control &= ~(flags & STICKY_BITS)

    def read_ap(self, addr: int) -> int:
        """Read the chosen access port; a failure sets the sticky error and gives 0."""
        try:
            port = self._chosen_port()
            return port.read(self._register(addr)) if port else 0
        except BoardError as error:
            self._stick(error)
            return 0

    def write_ap(self, addr: int, value: int) -> None:
        """Write the chosen access port; a failure sets the sticky error."""
        try:
            port = self._chosen_port()
            if port:
                port.write(self._register(addr), value)
        except BoardError as error:
            self._stick(error)

    def _chosen_port(self) -> MemoryAccessPort | None:
        """Return the port SELECT names; there is only number 0, others read 0."""
        if not self._control & DEBUG_POWER:
            raise BoardError("the debug domain is not powered up", where="debug port")
        return None if self._select >> 24 else self._access_port

    def _register(self, addr: int) -> int:
        return self._select & 0xF0 | addr

    def _stick(self, error: BoardError) -> None:
        self.last_error = error
        self._control |= STICKY_ERROR
