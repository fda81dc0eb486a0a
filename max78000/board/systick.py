"""SysTick, the 24-bit timer of the core, in virtual time.

Source: [Armv7-M] B3.3.
"""

from collections.abc import Callable

from max78000.board.system import GlobalControl
from max78000.board.timeline import NS_PER_S, Event, Timeline
from max78000.errors import BoardError

EXCEPTION = 15
CSR, RVR, CVR, CALIB = 0xE000_E010, 0xE000_E014, 0xE000_E018, 0xE000_E01C
ENABLE, INTERRUPT, CORE_CLOCK = 1, 2, 4  # CSR
MASK = 0xFF_FFFF
NO_REFERENCE = 1 << 31  # CALIB


class SysTick:
    """Four registers; `pend` makes an exception pending."""

    def __init__(
        self, clocks: GlobalControl, timeline: Timeline, pend: Callable[[int], None]
    ) -> None:
        self._clocks = clocks
        self._timeline = timeline
        self._pend = pend
        self._wrap: Event | None = None
        self.reset()

    def reset(self) -> None:
        """Return to the state after a system reset."""
        self._control = self._reload = self._stopped_at = 0
        self._started_ns, self._n_wraps_seen = 0, 0
        self._expect_wrap()

    def load(self, addr: int) -> int:
        """Return a register."""
        if addr == CSR:  # COUNTFLAG tells once of each wrap
            n_wraps = self._cycles() // (self._reload + 1)
            has_wrapped = n_wraps != self._n_wraps_seen
            self._n_wraps_seen = n_wraps
            return self._control | has_wrapped << 16
        if addr == RVR:
            return self._reload
        return self._current() if addr == CVR else NO_REFERENCE

    def store(self, addr: int, value: int) -> None:
        """Take a register.

        Raises:
            BoardError: the timer is to run from the reference clock, which is not modelled.
        """
        if addr == CSR:
            if value & ENABLE and not value & CORE_CLOCK:
                raise BoardError(
                    "only the core clock is modelled", where="SysTick", fix="set CSR bit 2"
                )
            self._stopped_at = self._current()
            is_start = value & ~self._control & ENABLE
            self._control = value & 7
            if is_start:
                self._started_ns, self._n_wraps_seen = self._timeline.now_ns, 0
        elif addr == RVR:
            self._reload = value & MASK
        elif addr == CVR:
            self._stopped_at = 0
            self._started_ns, self._n_wraps_seen = self._timeline.now_ns, 0
        self._expect_wrap()

    def _cycles(self) -> int:
        """Core cycles since it was started or cleared."""
        if not self._control & ENABLE:
            return 0
        elapsed_ns = self._timeline.now_ns - self._started_ns
        return elapsed_ns * self._clocks.system_clock_hz // NS_PER_S

    def _current(self) -> int:
        if not self._control & ENABLE:
            return self._stopped_at
        return self._reload - self._cycles() % (self._reload + 1)

    def _expect_wrap(self) -> None:
        if self._wrap is not None:
            self._wrap.cancel()
            self._wrap = None
        if self._control & ENABLE and self._reload:
            period = self._reload + 1
            n_wraps = self._cycles() // period + 1
            delay_ns = -(-n_wraps * period * NS_PER_S // self._clocks.system_clock_hz)
            is_alarm = bool(self._control & INTERRUPT)
            wrap_ns = self._started_ns + delay_ns
            self._wrap = self._timeline.at(wrap_ns, self._on_wrap, is_alarm=is_alarm)

    def _on_wrap(self) -> None:
        if self._control & INTERRUPT:
            self._pend(EXCEPTION)
        self._expect_wrap()
