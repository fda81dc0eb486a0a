import json

import pytest
from model_monitor import IDLE_W, RAILS_W, WINDOWS, window_line

from max78000.errors import InputError
from max78000.facts.energy import IDLE_MW, EnergyUse, layer_energy_uj, mean_use
from max78000.link.energy_report import (
    estimated,
    measured,
    measured_rails,
    measured_system,
)
from max78000.link.power_monitor import MonitorMode, Recording, parse_line

REPORT = {
    "format": "max78000-report-1",
    "milliseconds": 1.5,
    "layers": [
        {"microseconds": 400.0, "energy_uj": layer_energy_uj(400.0, 64)},
        {"microseconds": 1000, "energy_uj": layer_energy_uj(1000.0, 16)},
    ],
}


def triggered(*lines, **counts):
    return Recording(MonitorMode.TRIGGERED, tuple(parse_line(line) for line in lines), **counts)


def write_report(folder, text):
    (folder / "report.json").write_text(text)
    return folder


def test_inference_is_what_remains_of_both_without_the_input():
    uses = dict(measured(triggered(window_line()), "J1").uses)
    (_, input_phase, both) = WINDOWS
    inference = uses["inference"]
    assert inference.time_us == pytest.approx(1e6 * (both[0] - input_phase[0]))
    wanted_uj = 1e6 * (both[0] * both[1] - input_phase[0] * input_phase[1])
    assert inference.active_uj == pytest.approx(wanted_uj)
    assert inference.idle_mw == pytest.approx(1e3 * IDLE_W)
    assert list(uses) == ["weight loading", "input loading", "input + inference", "inference"]


def test_windows_are_averaged_by_energy():
    long = ((0.004, 0.02), (0.002, 0.03), (0.008, 0.06))
    report = measured(triggered(window_line(), window_line(long)), "J1")
    both = dict(report.uses)["input + inference"]
    energies_uj = [1e6 * t * p for t, p in (WINDOWS[2], long[2])]
    assert both.active_uj == pytest.approx(sum(energies_uj) / 2)
    assert both.time_us == pytest.approx((6200 + 8000) / 2)
    assert both.active_mw == pytest.approx(1e3 * both.active_uj / both.time_us)


def test_overlapping_input_and_inference_are_not_separated():
    """With FIFOs the two together may take no longer than loading alone."""
    same = (WINDOWS[0], WINDOWS[1], WINDOWS[1])
    report = measured(triggered(window_line(same)), "J1")
    uses = dict(report.uses)
    assert uses["inference"] == uses["input + inference"]
    assert "inference contains the input: the two overlap" in report.notes


def test_doubts_are_told():
    short = ((0.0005, 0.02), (0.002, 0.03), (0.0062, 0.04))
    notes = measured(triggered(window_line(short), n_damaged=2, n_missing=4), "J1").notes
    assert "only 1 of 5 measurements came in time" in notes
    assert "2 damaged lines left out" in notes
    assert "a window of 0.05 s is outside 0.1..20 s: its figures are coarse" in notes


def test_system_mode_reports_the_window():
    recording = Recording(MonitorMode.SYSTEM, ((0.0155, 0.5, 0.031), (0.0165, 0.5, 0.033)))
    ((name, use),) = measured_system(recording, "J1").uses
    assert name == "system"
    assert use.active_uj == pytest.approx(16000)
    assert use.active_mw == pytest.approx(32)


def test_rails_are_averaged_in_milliwatts():
    recording = Recording(MonitorMode.POWER, (RAILS_W, tuple(2 * watts for watts in RAILS_W)))
    report = measured_rails(recording, "J1")
    assert [rail.name for rail in report.rails] == ["3V3", "VCOREA", "VCOREB", "1V8"]
    assert report.rails[0].mean == pytest.approx(1.5 * 42.1)
    assert (report.rails[0].least, report.rails[0].greatest) == pytest.approx((42.1, 84.2))
    assert report.to_lines()[1].split() == ["3V3", "63.150", "mW", "42.100", "mW", "84.200", "mW"]
    assert report.to_data()["unit"] == "mW"


def test_estimate_comes_from_the_report(tmp_path):
    report = estimated(write_report(tmp_path, json.dumps(REPORT)))
    ((_, use),) = report.uses
    assert report.source == "estimate"
    assert use.time_us == pytest.approx(1500)
    assert use.idle_mw == pytest.approx(IDLE_MW)
    assert use.added_uj == pytest.approx(0.7 * (64 * 400 + 16 * 1000) / 1e3)
    assert report.to_data()["work"]["inference"]["active_uj"] == pytest.approx(30 + 29.12)
    assert report.to_lines()[1].split()[:3] == ["inference", "1500.0", "us"]


WORK = [
    {"microseconds": 900.0, "energy_uj": 18.0, "is_repeated": False},
    {"microseconds": 100.0, "energy_uj": 2.0, "is_repeated": True},
    {"microseconds": 1500.0, "energy_uj": 59.12, "is_repeated": True},
]


def test_a_second_of_an_application(tmp_path):
    path = write_report(tmp_path, json.dumps(REPORT | {"work": WORK}))
    (_, (name, use)) = estimated(path, 10).uses
    assert name == "10 a second"
    assert use.time_us == pytest.approx(1e6)
    assert use.idle_uj == pytest.approx(1e3 * IDLE_MW)
    assert use.added_uj == pytest.approx(10 * (61.12 - IDLE_MW * 1.6))
    with pytest.raises(InputError, match=r"1000 rounds take 1\.6 s \(at most 625 a second\)"):
        estimated(path, 1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "'format' is missing"),
        ('{"format": "other"}', "format is 'other'"),
        (json.dumps({**REPORT, "milliseconds": "1"}), "wrong kind"),
        (json.dumps({**REPORT, "layers": [{"microseconds": 1.0}]}), r"layers\[0\].*energy_uj"),
    ],
)
def test_damaged_reports_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        estimated(write_report(tmp_path, text))


def test_a_missing_report_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"report\.json: cannot be read.*synthesize"):
        estimated(tmp_path)


def test_energy_use_arithmetic():
    whole, part = EnergyUse.from_powers(200.0, 50.0, 20.0), EnergyUse.from_powers(50.0, 40.0, 20.0)
    rest = whole.minus(part)
    assert (rest.time_us, rest.active_uj, rest.idle_uj) == (150.0, 8.0, 3.0)
    assert rest.added_uj == 5.0
    assert EnergyUse(0.0, 0.0, 0.0).active_mw == EnergyUse(0.0, 0.0, 0.0).idle_mw == 0.0
    assert mean_use([whole, part]) == EnergyUse(125.0, 6.0, 2.5)


def test_a_round_of_several_networks(tmp_path):
    work = [
        {"name": "near weights", "microseconds": 900.0, "energy_uj": 18.0, "is_repeated": False},
        {"name": "near inference", "microseconds": 50.0, "energy_uj": 3.0, "is_repeated": True},
        {"name": "far inference", "microseconds": 100.0, "energy_uj": 6.0, "is_repeated": True},
    ]
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"format": "max78000-together-1", "work": work}))
    uses = dict(estimated(tmp_path, per_second=10).uses)
    assert list(uses) == ["near inference", "far inference", "a round", "10 a second"]
    assert (uses["a round"].time_us, uses["a round"].active_uj) == (150.0, 9.0)
    assert uses["a round"].idle_uj == pytest.approx(3.0)
    assert uses["10 a second"].added_uj == pytest.approx(60.0)
