"""RTC: seconds and 1/4096 seconds, the alarms, and the flag that both have changed.

It runs from the crystal through every reset. A register is written at once: BUSY never shows.

Source: [MSDK] rtc_regs.h, rtc_reva.c.
"""

from max78000.board.placement import Placement, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word
from max78000.board.timeline import NS_PER_S, Event

PER_SECOND = 4096
ENABLE, DAY_ALARM_ON, SHORT_ALARM_ON = 1 << 0, 1 << 1, 1 << 2
READY, READY_ON, DAY_ALARM, SHORT_ALARM = 1 << 4, 1 << 5, 1 << 6, 1 << 7
WRITE_ENABLE = 1 << 15
FLAGS = READY | DAY_ALARM | SHORT_ALARM
PROTECTED = ENABLE | 0x700  # bits of CTRL that want WRITE_ENABLE
DAY_MASK = 0xF_FFFF

# fmt: off
WORDS = (
    #    name       offset  writable  read-only
    Word("SEC",      0x00),
    Word("SSEC",     0x04,  0xFFF),
    Word("TODA",     0x08,  DAY_MASK),
    Word("SSECA",    0x0C),
    Word("CTRL",     0x10,  0xC7F7,   1 << 3),
    Word("TRIM",     0x14),
    Word("OSCCTRL",  0x18,  0x3F),
)
# fmt: on


class RealTimeClock(RegisterBlock):
    """The clock; times are in ticks of 1/4096 s."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._timeline = around.timeline
        self._base = around.world.start_s * PER_SECOND  # ticks at `_base_ns`
        self._base_ns = 0
        self._ready_since = 0  # ticks when READY was cleared
        self._short_since = 0  # ticks when the short alarm began to count
        self._events: list[Event] = []

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        control = self.loaded("CTRL")
        is_alarm = control >> 5 & control & (DAY_ALARM_ON | SHORT_ALARM_ON)
        is_ready = control & READY and control & READY_ON
        return int(bool(is_alarm or is_ready))

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "SEC":
            return self._ticks // PER_SECOND & ALL
        if name == "SSEC":
            return self._ticks % PER_SECOND
        value = self.values[name]
        if name == "CTRL" and value & ENABLE and self._ticks != self._ready_since:
            value |= READY
        return value

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        control = self.values["CTRL"]
        match name:
            case "SEC" | "SSEC" if not control & WRITE_ENABLE:
                self.object_to(f"{name} is written without CTRL bit 15 (WR_EN)")
            case "SEC":
                self._move_ticks(value * PER_SECOND + self._ticks % PER_SECOND)
            case "SSEC":
                self._move_ticks(self._ticks - self._ticks % PER_SECOND + value)
            case "SSECA":
                self.values[name], self._short_since = value, self._ticks
            case "CTRL":
                self._store_control(control, value)
            case _:
                self.values[name] = value
        self._expect()

    def reset(self) -> None:
        """It runs on through a system reset."""

    @property
    def _ticks(self) -> int:
        if not self.values["CTRL"] & ENABLE:
            return self._base
        return self._base + (self._timeline.now_ns - self._base_ns) * PER_SECOND // NS_PER_S

    def _set_ticks(self, ticks: int) -> None:
        self._base, self._base_ns = ticks, self._timeline.now_ns

    def _move_ticks(self, ticks: int) -> None:
        """Set the count; the short alarm goes on as if it had not been set."""
        self._short_since += ticks - self._ticks
        self._set_ticks(ticks)

    def _store_control(self, before: int, value: int) -> None:
        if not (before | value) & WRITE_ENABLE and (before ^ value) & PROTECTED:
            self.object_to(f"CTRL {value:#x} is written without bit 15 (WR_EN)")
            value = value & ~PROTECTED | before & PROTECTED
        if not value & READY:
            self._ready_since = self._ticks
        if (before ^ value) & ENABLE:
            self._set_ticks(self._ticks)
        if value & ~before & (ENABLE | SHORT_ALARM_ON):
            self._short_since = self._ticks
        kept = before & value & (DAY_ALARM | SHORT_ALARM)  # flags can only be cleared
        self.values["CTRL"] = value & ~FLAGS | kept

    def _expect(self) -> None:
        """Let the alarms that are on happen at their times."""
        for event in self._events:
            event.cancel()
        self._events.clear()
        control, ticks = self.values["CTRL"], self._ticks
        if not control & ENABLE:
            return
        if control & DAY_ALARM_ON:
            wait_s = self.values["TODA"] - ticks // PER_SECOND & DAY_MASK or DAY_MASK + 1
            self._at((ticks // PER_SECOND + wait_s) * PER_SECOND, DAY_ALARM)
        if control & SHORT_ALARM_ON:
            period = ALL + 1 - self.values["SSECA"]
            self._at(ticks + period - (ticks - self._short_since) % period, SHORT_ALARM)
        if control & READY_ON:
            self._at(ticks + 1, 0)

    def _at(self, ticks: int, flag: int) -> None:
        delay_ns = -(-(ticks - self._base) * NS_PER_S // PER_SECOND)
        time_ns = self._base_ns + delay_ns
        self._events.append(self._timeline.at(time_ns, lambda: self._on_alarm(flag)))

    def _on_alarm(self, flag: int) -> None:
        self.values["CTRL"] |= flag
        self._expect()
