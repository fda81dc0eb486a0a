"""Accesses reach the bus once, however often the emulator makes them."""

from max78000.board.load_store import LoadStoreUnit
from max78000.errors import BoardError

ADDR = 0x4000_0000


class Recorder:
    """A bus that counts what it sees, and refuses what is behind 0x100."""

    def __init__(self):
        self.seen = []

    def load(self, addr, n_bytes):
        self.seen.append((addr, n_bytes))
        self._check(addr)
        return len(self.seen)

    def store(self, addr, n_bytes, value):
        self.seen.append((addr, n_bytes, value))
        self._check(addr)

    def _check(self, addr):
        if addr - ADDR >= 0x100:
            raise BoardError("no such device")


def unit():
    bus = Recorder()
    return LoadStoreUnit(bus), bus


def test_plain_accesses():
    load_store, bus = unit()
    assert load_store.load(ADDR, 4) == 1
    load_store.store(ADDR, 4, 7)
    assert load_store.load(ADDR, 4) == 3
    assert bus.seen == [(ADDR, 4), (ADDR, 4, 7), (ADDR, 4)]
    assert not load_store.is_stop_wanted


def test_a_repeated_load_gives_the_same_and_is_not_seen():
    load_store, bus = unit()
    load_store.is_attention_wanted = True
    assert load_store.load(ADDR, 4) == 1
    assert load_store.is_stop_wanted
    load_store.begin_repetition()
    assert load_store.load(ADDR, 4) == 1
    assert len(bus.seen) == 1
    assert not load_store.is_stop_wanted
    assert load_store.load(ADDR, 4) == 2  # the next equal one is another


def test_a_repeated_store_is_not_seen():
    load_store, bus = unit()
    load_store.is_attention_wanted = True
    load_store.store(ADDR, 1, 5)
    load_store.begin_repetition()
    load_store.store(ADDR, 1, 5)
    assert bus.seen == [(ADDR, 1, 5)]


def test_another_access_is_no_repetition():
    load_store, bus = unit()
    load_store.is_attention_wanted = True
    load_store.store(ADDR, 1, 5)
    load_store.begin_repetition()
    load_store.store(ADDR, 1, 6)
    assert len(bus.seen) == 2


def test_after_the_repetition_an_equal_access_is_new():
    load_store, bus = unit()
    load_store.is_attention_wanted = True
    load_store.store(ADDR, 1, 5)
    load_store.begin_repetition()
    load_store.end_repetition()
    load_store.store(ADDR, 1, 5)
    assert len(bus.seen) == 2


def test_a_failure_stops_and_ends_all_accesses():
    load_store, bus = unit()
    assert load_store.load(ADDR + 0x100, 4) == 0
    assert load_store.is_stop_wanted
    assert "no such device" in str(load_store.failure)
    load_store.store(ADDR, 4, 1)
    assert len(bus.seen) == 1
    load_store.begin()
    load_store.store(ADDR, 4, 1)
    assert len(bus.seen) == 2
