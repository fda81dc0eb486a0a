"""Every surface takes damaged inputs for a moment, and all that were findings once.

For longer: `make fuzz SECONDS=600`. What a finding is: `run.py`.
"""

import itertools
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

pytest.importorskip("resource", reason="the limits of fuzzing need Linux or macOS")

from fuzz import run
from fuzz.run import Tally, fuzz, keep_findings, outcome, remove_findings, warm_up
from fuzz.seeds import CORPUS
from fuzz.targets import TARGETS, Target
from fuzz.tell import Slow, is_refusal, place_of

from max78000.errors import InputError

SECONDS, INPUTS = 60, 400  # the inputs end it, the same on every machine
BY_FOLDER = {name.replace(" ", "_"): name for name in TARGETS}
FORMER = sorted(path for path in CORPUS.iterdir() if path.is_dir())


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("surface", FORMER, ids=lambda surface: surface.name)
def test_former_findings_are_none_any_more(surface, tmp_path):
    """Refused; or read, by one of the readers that a surface has."""
    assert apart(_of_former, surface, tmp_path) == {}


def apart(function, *words):
    """What it returns in a process of its own, as the fuzzer's are.

    An old one takes memory that it has freed once more, and nobody sees how much.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *words).result()


def _of_former(surface, folder):
    """Those of a surface's former findings that are some again, with what is raised."""
    name = BY_FOLDER[surface.name]
    warm_up([name])
    again = {}
    for path in sorted(surface.iterdir()):
        error = outcome(TARGETS[name], path.read_bytes(), folder)
        if error is not None and not is_refusal(error, TARGETS[name].refusals):
            again[path.name] = repr(error)
    return again


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_are_refused(name):
    tally = fuzz(name, 1, SECONDS, INPUTS)
    assert tally.n_inputs
    assert not tally.found


def test_slow_inputs_are_findings(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "MOST_S", 0.05)
    endless = Target(lambda data, folder: all(True for _ in itertools.repeat(1)), tuple)
    error = outcome(endless, b"", tmp_path)
    assert isinstance(error, Slow)
    assert not is_refusal(error)


@pytest.mark.long
def test_greedy_inputs_are_findings(tmp_path):
    assert apart(_of_greedy, tmp_path) == [
        ("Greedy", False),
        ("Greedy", False),
        ("NoneType", False),
    ]


@pytest.mark.long
def test_greedy_refusals_are_findings(tmp_path):
    assert apart(_of_greedy_refusal, tmp_path) == "Greedy in no file of ours"


def _of_greedy_refusal(folder):
    run.MOST_KB = 16 << 10

    def take(data, folder):
        much = b"\1" * (32 << 20)
        raise InputError(f"{len(much)} bytes are too many")

    return place_of(outcome(Target(take, tuple), b"", folder))


def _of_greedy(folder):
    """Of two greedy inputs, the peak of the first not hiding the second's, and one that is not."""
    run.MOST_KB = 16 << 10
    found = []
    for size in (32 << 20, 32 << 20, 0):
        error = outcome(Target(lambda data, folder, size=size: b"\1" * size, tuple), b"", folder)
        found.append((type(error).__name__, is_refusal(error)))
    return found


def test_only_findings_are_removed(tmp_path):
    theirs = ("notes.txt", "WAV.wav", "WAV_in_stereo", "motion_in_py_files")
    for name in theirs:
        (tmp_path / name).write_bytes(b"")
    kinds = ("ValueError in sound_file.py:load_wav", "TypeError in a.py:<lambda>",
             "Slow in no file of ours", "the process ended with -11")  # fmt: skip
    for name in TARGETS:
        keep_findings(tmp_path, name, Tally(found={kind: (1, b"x") for kind in kinds}))
    remove_findings(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == set(theirs)
    remove_findings(tmp_path / "none")
