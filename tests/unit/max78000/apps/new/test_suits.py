"""Which networks an application suits: what it takes, and how long that is."""

import re

import pytest

from max78000.apps.new import suits
from max78000.apps.new.facts import AppNetwork, CoreAnswer, _energy_uj
from max78000.apps.new.folder import APP_FILE, app_of
from max78000.errors import InputError, UnsupportedError
from max78000.firmware.sources import SUPPORT
from max78000.program.network_file import NetworkFacts


def network(shape=(128, 1, 250), **form):
    """A network of that input."""
    facts = NetworkFacts("ears", {"input": form})
    answer = CoreAnswer("INT8", 2, 1.0)
    return AppNetwork(
        "ears", 0, shape, False, 1, (), 0, (), 0, (), facts, answer, has_finish=False, energy_uj=0
    )


def ears(seconds):
    return network((128, 1, 125 * seconds), rate=16000)


@pytest.mark.parametrize(("seconds", "watchdog_s"), [(1, 2), (2, 3), (2, 40), (4, 0)])
def test_a_watchdog_that_outlasts_a_recording(seconds, watchdog_s):
    suits.check_watchdog("microphone", ears(seconds), watchdog_s)


def test_a_watchdog_that_bites_during_a_recording():
    with pytest.raises(InputError, match=r"ears: a recording takes 2\.0 s, .*--watchdog 3 or more"):
        suits.check_watchdog("microphone", ears(2), 2)
    suits.check_watchdog("camera", ears(2), 2)


@pytest.mark.parametrize(
    ("shape", "n_bytes"),
    [((3, 20, 30), 1200), ((1, 479, 640), 2 * 479 * 640), ((12, 10, 15), 1200)],
)
def test_a_camera_gives_two_n_bytesa_pixel(shape, n_bytes):
    net = network(shape, fold=2 if shape[0] == 12 else 1)
    assert suits.raw_bytes("camera", net) == n_bytes


@pytest.mark.parametrize(
    ("app", "net", "why"),
    [
        ("camera", network((5, 20, 30)), "takes 5x20x30, which is no picture (use --app serial)"),
        ("camera", network((3, 480, 64)), "takes pictures of 480x64 (rows x columns) (the camera"),
        ("camera", network((1, 9, 31)), "takes pictures of 9x31 (rows x columns) (the camera has"),
        ("microphone", network(), "does not say at which rate it takes recordings"),
        ("microphone", network(rate=44100), "takes recordings at 44100 Hz (train at a rate that"),
    ],
)
def test_what_an_application_cannot_give(app, net, why):
    with pytest.raises(UnsupportedError, match=re.escape(f"ears: {why}")):
        suits.raw_bytes(app, net)


def test_the_serial_application_suits_all():
    assert suits.raw_bytes("serial", network((5, 480, 31))) == 0
    assert suits.raw_bytes("microphone", ears(2)) == 2 * 32000


@pytest.mark.parametrize(("name", "most"), [("ROWS", 480), ("COLUMNS", 640)])
def test_the_camera_has_the_same_limits(name, most):
    """Of the rows it gives one less."""
    (found,) = re.findall(rf"#define MOST_{name} (\d+)", (SUPPORT / "src/camera.c").read_text())
    assert int(found) == most
    assert getattr(suits, f"MOST_{name}") == most - (name == "ROWS")


def test_a_folder_without_an_application_or_of_another_version(tmp_path):
    assert app_of(tmp_path) == ""
    (tmp_path / APP_FILE).write_text('{"format": "max78000-app-9", "app": "serial"}')
    with pytest.raises(InputError, match=r"format is 'max78000-app-9'.* again: max78000 new"):
        app_of(tmp_path)


def test_a_report_or_an_application_nested_too_deeply(tmp_path):
    for name in (APP_FILE, "report.json"):
        (tmp_path / name).write_text('{"work": ' + "[" * 100_000)
    assert _energy_uj(tmp_path / "report.json") == 0
    with pytest.raises(InputError, match="describes no application"):
        app_of(tmp_path)
