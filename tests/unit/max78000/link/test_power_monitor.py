import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_monitor import IDLE_W, RAILS_V, RAILS_W, WINDOWS, ModelMonitor, g, window_line

from max78000.errors import BoardError
from max78000.link.power_monitor import MonitorMode, parse_line, read_recording, windows
from max78000.link.serial_ports import open_port

pytestmark = pytest.mark.long  # seconds each

PATIENCE_S = 30.0
GARBAGE = ["\x00\xff", "0.1,0.2", "PWR,1,2,3", "1,2,3,x", "0.1;0.2;0.3;0.4", "nan,1,1,1"]


def read(monitor, mode, n_lines=1, seconds=PATIENCE_S):
    line = open_port(monitor.device)
    try:
        return read_recording(line, mode, n_lines, seconds)
    finally:
        line.close()


def test_triggered_mode_gives_the_three_phases():
    with ModelMonitor() as monitor:
        recording = read(monitor, MonitorMode.TRIGGERED, n_lines=2)
    assert monitor.keys == "\x16t"
    assert recording.version == "PMON 2.0 Mon Jan 2 2023 FOR MAX78000"
    assert len(recording.lines) == 2
    window = next(windows(recording))
    for use, (time_s, active_w) in zip(
        (window.kernels, window.input, window.both), WINDOWS, strict=True
    ):
        assert use.time_us == pytest.approx(1e6 * time_s)
        assert use.active_mw == pytest.approx(1e3 * active_w)
        assert use.idle_mw == pytest.approx(1e3 * IDLE_W)
        assert use.added_uj == pytest.approx(1e6 * (active_w - IDLE_W) * time_s)


@pytest.mark.parametrize("mode", [MonitorMode.POWER, MonitorMode.VOLTAGE, MonitorMode.CURRENT])
@pytest.mark.parametrize("is_new", [True, False])
def test_averaging_modes_give_four_rails_of_the_mode_asked_for(mode, is_new):
    with ModelMonitor(key="t", is_new=is_new) as monitor:
        recording = read(monitor, mode, n_lines=3)
    wanted = {
        MonitorMode.POWER: RAILS_W,
        MonitorMode.VOLTAGE: RAILS_V,
        MonitorMode.CURRENT: tuple(w / v for w, v in zip(RAILS_W, RAILS_V, strict=True)),
    }[mode]
    assert recording.lines == (pytest.approx(wanted, rel=1e-5),) * 3
    assert bool(recording.version) == is_new


def test_a_line_of_the_mode_before_is_not_taken():
    with ModelMonitor(key="v", is_new=False, lines=[g(*RAILS_V)]) as monitor:
        recording = read(monitor, MonitorMode.POWER, n_lines=2)
    assert all(values == pytest.approx(RAILS_W) for values in recording.lines)


def test_system_mode_gives_energy_time_and_power():
    with ModelMonitor() as monitor:
        recording = read(monitor, MonitorMode.SYSTEM)
    assert recording.lines == ((0.0155, 0.5, 0.031),)


def test_damaged_lines_are_counted_and_left_out():
    whole = window_line()
    damaged = [whole[:-9], whole.replace(",", "", 1), whole + whole, "", "\x80\x81"]
    with ModelMonitor(lines=["8,0.1", *damaged, whole]) as monitor:
        recording = read(monitor, MonitorMode.TRIGGERED)
    assert len(recording.lines) == 1
    assert recording.n_damaged == 4  # neither the empty line nor the one under way


def test_a_key_that_was_missed_is_sent_again():
    with ModelMonitor(n_deaf=1) as monitor:
        recording = read(monitor, MonitorMode.TRIGGERED)
    assert monitor.keys == "\x16tt"
    assert len(recording.lines) == 1


def test_a_monitor_that_stays_in_another_mode_is_reported():
    message = (
        "power monitor: it stays in another mode: 9 lines of 4 values, triggered mode has 12 "
        "(choose the mode with the buttons SW6 and SW7 of the board, or switch it off and on)"
    )
    with ModelMonitor(n_deaf=-1) as monitor, pytest.raises(BoardError) as refusal:
        read(monitor, MonitorMode.TRIGGERED)
    assert str(refusal.value) == message


def test_something_else_on_the_port_is_reported():
    with (
        ModelMonitor(lines=[f"Hello World: {i}" for i in range(99)]) as monitor,
        pytest.raises(BoardError, match=r"9 lines in a row are none of a power monitor.*'Hello"),
    ):
        read(monitor, MonitorMode.POWER)


def test_a_board_that_never_triggers_is_reported():
    with (
        ModelMonitor(is_triggered=False) as monitor,
        pytest.raises(BoardError, match=r"no measurement in triggered mode within 0.3 s.*--energy"),
    ):
        read(monitor, MonitorMode.TRIGGERED, seconds=0.3)


def test_fewer_windows_than_asked_for_are_told():
    with ModelMonitor(lines=[window_line()] * 2, is_triggered=False) as monitor:
        recording = read(monitor, MonitorMode.TRIGGERED, n_lines=3, seconds=1.0)
    assert (len(recording.lines), recording.n_missing) == (2, 1)


@pytest.mark.parametrize("n_lines", [1, 3])
def test_unplugging_is_reported(n_lines):
    with (
        ModelMonitor(n_until_unplugged=n_lines) as monitor,
        pytest.raises(BoardError, match="the port is gone"),
    ):
        read(monitor, MonitorMode.TRIGGERED, n_lines=9)


@pytest.mark.parametrize("text", [*GARBAGE, "", "1,2,3,4,5", "inf,1,1,1", "0.9,0.5,0.031"])
def test_what_is_no_line_is_refused(text):
    assert parse_line(text) is None


WATTS = st.floats(1e-5, 0.5)


@st.composite
def twelve_values(draw):
    """Windows in which the work takes at least half as much again as doing nothing."""
    idle_w = draw(WATTS)
    phases = [(draw(st.floats(1e-6, 0.2)), idle_w * draw(st.floats(1.5, 20))) for _ in range(3)]
    return window_line(phases, idle_w)


@given(twelve_values())
def test_no_line_is_refused_for_its_rounding(text):
    assert parse_line(text) == tuple(map(float, text.split(",")))


@given(twelve_values(), st.data())
def test_a_line_that_lost_a_character_never_misleads(text, data):
    """It is refused, or what was lost does not matter."""
    at = data.draw(st.integers(0, len(text) - 1))
    found = parse_line(text[:at] + text[at + 1 :])
    assert found is None or found == pytest.approx(tuple(map(float, text.split(","))), rel=1e-3)
