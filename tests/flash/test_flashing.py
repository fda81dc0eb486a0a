"""Program, compare, start through the modelled debug port, with pyOCD and with Debian's OpenOCD."""

import random

import pytest
from flash_bench import Bench, marking_image
from installed import PROBES

from max78000.debug.identity import Identity
from max78000.errors import BoardError
from max78000.facts.memory_map import FLASH_ADDR
from max78000.link.flash import flash
from max78000.link.flash_plan import FlashImage

N_CUTS = 20
OLD, NEW = 0x01D, 0x2E3


@pytest.mark.parametrize("name", PROBES)
def test_an_image_is_written_compared_and_started(name):
    bench, steps = Bench(), []
    image = marking_image(NEW, 8192 + 1024)
    with bench.probe(name) as probe:
        report = flash(image, probe, on_progress=lambda *step: steps.append(step))
    assert bench.holds(image)
    assert bench.port.last_error is None
    bench.run()
    assert bench.mark() == NEW
    assert (report.probe, report.n_bytes, report.n_pages) == (name, 9216, 2)
    assert report.is_verified
    assert steps[0][2] == "erase 0x10000000"
    assert [n_done for n_done, _, _ in steps] == sorted(n_done for n_done, _, _ in steps)


@pytest.mark.parametrize("name", PROBES)
def test_a_new_image_replaces_a_running_one(name):
    bench = Bench()
    with bench.probe(name) as probe:
        for mark in (OLD, NEW):
            flash(marking_image(mark), probe)
            assert bench.mark_after_power_on() == mark


@pytest.mark.parametrize("name", PROBES)
def test_without_verification_nothing_is_read_back(name):
    bench = Bench()
    with bench.probe(name) as probe:
        report = flash(marking_image(NEW), probe, verify=False)
    assert not report.is_verified
    assert bench.mark_after_power_on() == NEW


def n_accesses_of_a_try(bench, probe, image):
    before = bench.port.n_accesses
    flash(image, probe)
    return bench.port.n_accesses - before


@pytest.mark.parametrize("name", PROBES)
def test_a_cut_is_noticed_and_leaves_no_half_image_that_starts(name):
    bench = Bench()
    old, new = marking_image(OLD, 512), marking_image(NEW, 512)
    draw = random.Random(20240607)
    outcomes = set()
    with bench.probe(name) as probe:
        # How often a debugger asks depends on how busy this machine is: the end is not drawn.
        n_accesses = 3 * min(n_accesses_of_a_try(bench, probe, new) for _ in range(2)) // 4
        for _ in range(N_CUTS):
            bench.board.flash[:] = old.data.ljust(len(bench.board.flash), b"\xff")
            bench.cut_after(draw.randrange(n_accesses))
            with pytest.raises(BoardError, match="connection was lost"):
                flash(new, probe)
            mark = bench.mark_after_power_on()
            assert mark in (0, OLD, NEW)
            assert mark != OLD or bench.holds(old)
            assert mark != NEW or bench.holds(new)
            outcomes.add(mark)
            bench.mend()
    assert {0, OLD} <= outcomes, "cuts before the erase and in the middle were drawn"


@pytest.mark.parametrize("name", PROBES)
def test_a_second_try_succeeds(name):
    bench, image = Bench(), marking_image(NEW)
    with bench.probe(name) as probe:
        n_accesses = n_accesses_of_a_try(bench, probe, image)
        bench.board.flash[:] = b"\xff" * len(bench.board.flash)
        bench.cut_after(n_accesses // 2)
        with pytest.raises(BoardError):
            flash(image, probe)
        bench.mend()
        flash(image, probe)
    assert bench.holds(image)
    assert bench.mark_after_power_on() == NEW


@pytest.mark.parametrize("name", PROBES)
def test_another_core_is_refused_and_nothing_erased(name):
    bench = Bench(Identity(cpuid=0x410F_C240))
    bench.board.flash[:4] = b"keep"
    with bench.probe(name) as probe, pytest.raises(BoardError, match="not a MAX78000") as refusal:
        flash(marking_image(NEW), probe)
    assert "0x410fc240" in refusal.value.why
    assert "--uid" in refusal.value.fix
    assert bench.board.flash[:4] == b"keep"


@pytest.mark.parametrize("name", PROBES)
def test_a_locked_page_is_reported(name):
    bench = Bench()
    bench.flash_controller.locked_pages = frozenset({1})
    image = marking_image(NEW, 8192 + 64)
    with bench.probe(name) as probe, pytest.raises(BoardError, match="write-protected") as refusal:
        flash(image, probe)
    assert "10002000" in refusal.value.why
    assert "remove power" in refusal.value.fix
    assert bench.mark_after_power_on() == 0


@pytest.mark.parametrize("name", PROBES)
def test_a_worn_cell_is_found_with_its_address(name):
    bench, image = Bench(), marking_image(NEW)
    at = 0x123
    wrong = image.data[at] & 0xFE if image.data[at] & 1 else image.data[at] | 1

    def wear():
        bench.board.flash[at] = wrong

    bench.port.before_access = wear
    with bench.probe(name) as probe, pytest.raises(BoardError, match="differ") as refusal:
        flash(image, probe)
    found = f"{FLASH_ADDR + at:#010x} holds {wrong:#04x} instead of {image.data[at]:#04x}"
    assert found in refusal.value.why
    assert bench.mark_after_power_on() == 0


@pytest.mark.parametrize("name", PROBES)
def test_a_program_that_faulted_does_not_keep_the_debugger_out(name):
    bench, image = Bench(), marking_image(NEW)
    broken = image.data[:16] + b"\x00\xde" * 8  # undefined instructions
    with bench.probe(name) as probe:
        flash(FlashImage(broken + image.data[32:]), probe)
        bench.port.core.run()
        flash(image, probe)
    assert bench.mark_after_power_on() == NEW


def test_scripts_that_lie_about_are_not_run(monkeypatch, tmp_path):
    (tmp_path / "pyocd_user.py").write_text("open('was_run', 'w')")
    monkeypatch.chdir(tmp_path)
    bench = Bench()
    with bench.probe("pyocd") as probe:
        flash(marking_image(NEW), probe)
    assert not (tmp_path / "was_run").exists()
