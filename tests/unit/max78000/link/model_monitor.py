"""A model of the power monitor on a pseudo terminal: its keys, its modes, its lines, its troubles.

Written from the description of its firmware in `max78000/link/power_monitor.py`. A trigger is
modelled by time: in triggered and system mode a window ends every few ticks.
"""

import os
import pty
import select
import threading
import tty
from dataclasses import dataclass, field

TICK_S = 0.005
RAILS_W = (0.0421, 0.0305, 0.0011, 0.0002)
RAILS_V = (3.3, 1.1, 0.99, 1.8)
IDLE_W = 0.0125
WINDOWS = ((0.0030, 0.021), (0.0020, 0.0300), (0.0062, 0.0405))  # time in s, active power in W


def g(*values):
    """Values as C's %g prints them, separated by commas."""
    return ",".join(f"{value:g}" for value in values)


def window_line(windows=WINDOWS, idle_w=IDLE_W):
    values = []
    for time_s, active_w in windows:
        values += [(active_w - idle_w) * time_s, time_s, idle_w, active_w]
    return g(*values)


@dataclass
class ModelMonitor:
    """Runs in a thread between `with` and its end.

    Attributes:
        key: mode it is in; power after switching on.
        n_deaf: keys it misses; all of them if negative.
        is_new: it knows its version (2.0 and later).
        lines: sent instead of measurements, in order, when not empty.
        n_until_unplugged: lines after which it is gone; never if negative.
        is_triggered: the firmware on the chip uses the triggers.
    """

    key: str = "w"
    n_deaf: int = 0
    is_new: bool = True
    lines: list = field(default_factory=list)
    n_until_unplugged: int = -1
    is_triggered: bool = True
    keys: str = ""

    def __enter__(self):
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for handle in (self._master, self._slave):
            if handle >= 0:
                os.close(handle)

    def _run(self):
        n_sent = 0
        while not self._stop.is_set():
            ready, _, _ = select.select([self._master], [], [], TICK_S)
            if ready:
                for key in os.read(self._master, 16).decode("latin-1"):
                    self._press(key)
            elif self.keys:
                text = self._line()
                if text is not None:
                    os.write(self._master, text.encode("latin-1") + b"\r\n")
                    n_sent += 1
            if n_sent == self.n_until_unplugged:
                os.close(self._slave)
                os.close(self._master)
                self._master = self._slave = -1
                return

    def _press(self, key):
        self.keys += key
        if key == "\x16":
            if self.is_new:
                os.write(self._master, b"\r\nPMON 2.0 Mon Jan 2 2023 FOR MAX78000\r\n\r\n")
        elif self.n_deaf:
            self.n_deaf -= 1
        elif key in "tswiv":
            self.key = key

    def _line(self):
        if self.lines:
            return self.lines.pop(0)
        if self.key in "ts" and not self.is_triggered:
            return None
        if self.key == "t":
            return window_line()
        if self.key == "s":
            return g(0.031 * 0.5, 0.5, 0.031)
        amperes = tuple(w / v for w, v in zip(RAILS_W, RAILS_V, strict=True))
        return g(*{"w": RAILS_W, "v": RAILS_V, "i": amperes}[self.key])
