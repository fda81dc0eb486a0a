"""Loads and stores of the program on their way to the bus: each reaches it exactly once.

Knows neither instructions nor devices. Unicorn stops before a load or store is over and then does
it again; what the bus has seen once is answered here.
"""

from typing import Protocol, TypeAlias

from max78000.errors import ToolError

Access: TypeAlias = tuple[int, int, int | None]  # address, bytes, and what is stored


class Bus(Protocol):
    """Everything that is not plain memory."""

    def load(self, addr: int, n_bytes: int) -> int:
        """Load; a `ToolError` ends the run."""

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store; a `ToolError` ends the run."""


class LoadStoreUnit:
    """Between the emulator and the bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.failure: ToolError | None = None  # of an access since `begin`
        self.is_attention_wanted = False
        self._last: Access | None = None  # during which the bus asked for attention
        self._repeated: Access | None = None  # the same while it may be executed once more
        self._loaded = 0  # what the last load gave

    @property
    def is_stop_wanted(self) -> bool:
        """The instruction has to be the last one for now."""
        return self.is_attention_wanted or self.failure is not None

    def begin(self) -> None:
        """Forget the failure of an earlier run."""
        self.failure = None

    def begin_repetition(self) -> None:
        """The access during which attention was asked for may be executed once more."""
        self.is_attention_wanted, self._repeated = False, self._last

    def end_repetition(self) -> None:
        """From here on equal accesses are new ones."""
        self._repeated = None

    def load(self, addr: int, n_bytes: int) -> int:
        """Load; what the bus refuses is kept as `failure`."""
        access = addr, n_bytes, None
        if self._is_new(access):
            self._loaded = 0
            try:
                self._loaded = self._bus.load(addr, n_bytes)
            except ToolError as error:
                self.failure = error
            self._remember(access)
        return self._loaded

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store; what the bus refuses is kept as `failure`."""
        access = addr, n_bytes, value
        if self._is_new(access):
            try:
                self._bus.store(addr, n_bytes, value)
            except ToolError as error:
                self.failure = error
            self._remember(access)

    def _is_new(self, access: Access) -> bool:
        """The bus has not seen this access, and the run is not over."""
        repeated, self._repeated = self._repeated, None
        return repeated != access and self.failure is None

    def _remember(self, access: Access) -> None:
        if self.is_stop_wanted:
            self._last = access
