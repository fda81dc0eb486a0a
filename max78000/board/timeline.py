"""Virtual time: a clock that only moves when told to, and what is due when. Runs no code.

No cycle is counted. Time passes in three ways: with the instructions of a full slice, in sleep
(straight to the next event), and while software polls. Software that only loads device registers
is waiting for something; the longer it does, the longer each load takes, so a delay of two seconds
costs some thousand loads. Everything is an integer: the same program always meets the same times.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

NS_PER_S = 1_000_000_000
PATIENCE = 16  # loads in a row that still take their normal time
LONGEST_POLL_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line in a trace."""

    time_ns: int
    source: str  # device, or "core"
    text: str

    def __str__(self) -> str:
        return f"{self.time_ns / 1e6:14.6f} ms  {self.source:8} {self.text}"


Watch = Callable[[Note], None]


@dataclass(order=True, slots=True)
class Event:
    """Something that happens at a time; in the order of scheduling if at the same one."""

    time_ns: int
    number: int
    action: Callable[[], None] | None = field(compare=False)
    is_alarm: bool = field(compare=False)  # it may interrupt the program

    def cancel(self) -> None:
        """Make it not happen."""
        self.action = None


class Timeline:
    """The present, and the events to come.

    Args:
        watch: called with every note; None drops them.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self.now_ns = 0
        self.slept_ns = 0  # part of `now_ns` during which the core slept
        self.n_happened = 0  # events so far
        self._watch = watch
        self._events: list[Event] = []
        self._n_events = 0
        self._n_polls = 0

    @property
    def is_watched(self) -> bool:
        """Whether notes go anywhere."""
        return self._watch is not None

    def note(self, source: str, text: str) -> None:
        """Tell whoever watches."""
        if self._watch is not None:
            self._watch(Note(self.now_ns, source, text))

    def at(self, time_ns: int, action: Callable[[], None], *, is_alarm: bool = True) -> Event:
        """Let something happen at a time, at the earliest now."""
        self._n_events += 1
        event = Event(max(time_ns, self.now_ns), self._n_events, action, is_alarm)
        heapq.heappush(self._events, event)
        return event

    @property
    def next_ns(self) -> int | None:
        """When the next event is due; None if nothing will ever happen."""
        while self._events and self._events[0].action is None:
            heapq.heappop(self._events)
        return self._events[0].time_ns if self._events else None

    @property
    def has_alarm(self) -> bool:
        """Something may still interrupt the program."""
        return any(event.is_alarm and event.action is not None for event in self._events)

    def advance(self, duration_ns: int) -> None:
        """Let time pass, and happen what is due."""
        end_ns = self.now_ns + duration_ns
        while (due_ns := self.next_ns) is not None and due_ns <= end_ns:
            action = heapq.heappop(self._events).action
            self.now_ns = due_ns
            if action is not None:
                self.n_happened += 1
                action()
        self.now_ns = end_ns

    def sleep_until(self, time_ns: int) -> None:
        """Let time pass while the core sleeps."""
        duration_ns = time_ns - self.now_ns
        self.advance(duration_ns)
        self.slept_ns += duration_ns

    def poll(self, tick_ns: int) -> None:
        """Let the time of one register load pass; in a row of them ever more, but past no event."""
        self._n_polls += 1
        doublings = min(max(self._n_polls - PATIENCE, 0), LONGEST_POLL_NS.bit_length())
        duration_ns = min(tick_ns << doublings, max(LONGEST_POLL_NS, tick_ns))
        due_ns = self.next_ns
        if due_ns is not None and due_ns - self.now_ns <= duration_ns:
            duration_ns = due_ns - self.now_ns
            self._n_polls = 0
        self.advance(duration_ns)

    def end_polling(self) -> None:
        """Software did more than load status registers."""
        self._n_polls = 0
