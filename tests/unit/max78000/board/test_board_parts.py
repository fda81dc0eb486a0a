"""Parts of the virtual board by themselves: virtual time, register tables, names of functions."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.board.board import VirtualBoard
from max78000.board.code import Code, Symbols, read_elf
from max78000.board.registers import RegisterBlock, Word
from max78000.board.timeline import LONGEST_POLL_NS, PATIENCE, Note, Timeline
from max78000.errors import BoardError, UnsupportedError

times = st.integers(0, 1000)


@given(st.lists(times), st.lists(times))
def test_events_happen_in_order_at_their_time(event_times, steps):
    timeline, happened = Timeline(), []
    for number, time_ns in enumerate(event_times):
        timeline.at(time_ns, lambda t=time_ns, n=number: happened.append((timeline.now_ns, t, n)))
    for step in steps:
        timeline.advance(step)
    due = [(t, t, n) for n, t in enumerate(event_times) if t <= timeline.now_ns and steps]
    assert happened == sorted(due)
    assert timeline.now_ns == sum(steps)


@given(st.integers(1, 100), st.integers(1, 10_000_000))
def test_polling_ends_at_the_event(tick_ns, due_ns):
    timeline, happened = Timeline(), []
    timeline.at(due_ns, lambda: happened.append(timeline.now_ns))
    n_polls = 0
    while not happened:
        timeline.poll(tick_ns)
        n_polls += 1
    assert happened == [due_ns] == [timeline.now_ns]
    assert n_polls <= PATIENCE + LONGEST_POLL_NS.bit_length() + due_ns // LONGEST_POLL_NS + 2


def test_polling_starts_slowly():
    timeline = Timeline()
    for _ in range(PATIENCE):
        timeline.poll(20)
    assert timeline.now_ns == 20 * PATIENCE
    for _ in range(100):
        timeline.poll(20)
    assert timeline.now_ns > 50 * LONGEST_POLL_NS
    timeline.end_polling()
    before = timeline.now_ns
    timeline.poll(20)
    assert timeline.now_ns == before + 20


def test_cancelled_events_do_not_happen():
    timeline, happened = Timeline(), []
    event = timeline.at(5, lambda: happened.append(5))
    assert timeline.next_ns == 5
    assert timeline.has_alarm
    event.cancel()
    assert not timeline.has_alarm
    assert timeline.next_ns is None
    timeline.at(7, lambda: happened.append(7), is_alarm=False)
    assert not timeline.has_alarm
    timeline.sleep_until(10)
    assert (happened, timeline.slept_ns) == ([7], 10)


def test_notes_carry_the_time():
    notes: list[Note] = []
    timeline = Timeline(notes.append)
    timeline.advance(1_234_567)
    timeline.note("core", "something")
    assert str(notes[0]) == "      1.234567 ms  core     something"
    assert timeline.is_watched
    Timeline().note("core", "nobody listens")


TABLE = (
    Word("CONTROL", 0, writable=0x0F, read_only=0xF0, reset=0x51),
    Word("COUNT", 8),
)


@given(st.integers(0, 0xFF))
def test_register_blocks_keep_writable_bits(value):
    block = RegisterBlock("X", 0x1000, 0x200, TABLE)
    block.store(0, value)
    assert block.load(0) == 0x50 | value & 0x0F
    block.store(8, value)
    assert block.load(8) == value
    block.reset()
    assert (block.load(0), block.load(8)) == (0x51, 0)


def test_register_blocks_are_strict():
    block = RegisterBlock("X", 0x1000, 0x200, TABLE)
    with pytest.raises(BoardError, match="X CONTROL: 0x00000100 sets bits 0x00000100, which are"):
        block.store(0, 0x100)
    with pytest.raises(BoardError, match="X: the program loads offset 0x4, where no register"):
        block.load(4)


def test_a_timer_counts_from_one():
    board = VirtualBoard()
    timeline, clocks = board.timeline, board.devices.clocks
    timer = board.devices.by_name["TMR0"]
    for name, value in (
        ("CTRL1", 1 << 31),
        ("CMP", 10),
        ("CNT", 1),
        ("CTRL0", 1 << 14 | 1 << 15 | 1),
    ):
        timer.stored(name, value)
    period_ns = 1_000_000_000 * 9 // clocks.peripheral_clock_hz  # 9 steps lead from 1 to 10
    timeline.advance(period_ns + 1)
    timer.stored("INTFL", 1)
    timeline.advance(period_ns - 10)
    assert timer.loaded("CNT") == 9
    assert not timer.loaded("INTFL") & 1
    timeline.advance(20)
    assert timer.loaded("CNT") == 1
    assert timer.loaded("INTFL") & 1


def test_functions_are_found_by_address():
    symbols = Symbols((0x10, 0x20), ("first", "second"))
    assert symbols.describe(0x10) == "in first+0x0"
    assert symbols.describe(0x1F) == "in first+0xf"
    assert symbols.describe(0x24) == "in second+0x4"
    assert symbols.describe(0x0F) == ""
    assert symbols.describe(0x1000_0000) == ""


def test_a_program_must_lie_in_memory():
    with pytest.raises(BoardError, match="4 bytes of the program at 0x30000000 are in no memory"):
        VirtualBoard().load_code(Code(((0x3000_0000, b"code"),), Symbols()))


def test_elf_files_need_their_reader(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    with pytest.raises(UnsupportedError, match="ELF files need pyelftools"):
        read_elf(tmp_path / "a.elf")
