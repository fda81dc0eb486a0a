"""Which networks an application suits: what it takes, and how long that is."""

import re

import pytest

from max78000.apps.new import suits
from max78000.apps.new.facts import AppNetwork, CoreAnswer, _energy_uj
from max78000.apps.new.folder import APP_FILE, app_of
from max78000.errors import InputError
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


@pytest.mark.parametrize(("name", "most"), [("ROWS", 480), ("COLUMNS", 640)])
def test_the_camera_has_the_same_limits(name, most):
    """Of the rows it gives one less."""
    (found,) = re.findall(rf"#define MOST_{name} (\d+)", (SUPPORT / "src/camera.c").read_text())
    assert int(found) == most
    assert getattr(suits, f"MOST_{name}") == most - (name == "ROWS")


def test_a_report_or_an_application_nested_too_deeply(tmp_path):
    for name in (APP_FILE, "report.json"):
        (tmp_path / name).write_text('{"work": ' + "[" * 100_000)
    assert _energy_uj(tmp_path / "report.json") == 0
    with pytest.raises(InputError, match="describes no application"):
        app_of(tmp_path)
