"""A search is on disk: it goes on after a kill, and no two take it for theirs."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from max78000.errors import InputError

pytest.importorskip("optuna", reason="of the extra `train`")

from ai8x_models.training.search import search as module
from ai8x_models.training.search.journal import open_study, presence
from ai8x_models.training.search.search import search
from ai8x_models.training.search.stored import clear_search, stored_results

pytestmark = pytest.mark.long

N = 15  # the sampler begins to learn after ten


def drawn(results):
    return [(row.score, row.drawn, row.is_best) for row in results.rows]


def killed_in(number, invented, monkeypatch):
    """A kill in the middle of a trial, when the network is drawn."""

    def killed(trial, workshop):
        numbers = invented(trial, workshop)
        if trial.number == number:
            raise KeyboardInterrupt
        return numbers

    monkeypatch.setattr(module, "try_out", killed)


@pytest.mark.parametrize("number", [4, 13])
def test_a_killed_search_goes_on_as_if_nothing_had_happened(
    number, plan, figures_only, monkeypatch
):
    other = replace(plan, journal=Path("other/journal.log"))
    wanted = search(other, N, StringIO())
    killed_in(number, figures_only, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        search(plan, N, StringIO())
    with plan.journal.open("ab") as file:
        file.write(b'{"op_code":4,"wor')  # the last line that it wrote
    monkeypatch.setattr(module, "try_out", figures_only)
    stream = StringIO()
    found = search(plan, N, stream, resume=True)
    assert sorted(drawn(found), key=str) == sorted(drawn(wanted), key=str)
    assert number not in [row.number for row in found.rows]
    assert len(stream.getvalue().splitlines()) == N - number
    assert f"({N} of {N}): " in stream.getvalue()


def test_more_trials_are_added_to_those_there_are(plan, figures_only):
    first = search(plan, 5, StringIO())
    more = search(plan, 7, StringIO(), resume=True)
    assert drawn(more)[:3] == [(*row[:2], more.rows[i].is_best) for i, row in
                               enumerate(drawn(first)[:3])]  # fmt: skip
    assert len(more.rows) == 7
    assert len(search(plan, 7, StringIO(), resume=True).rows) == 7


def test_a_search_is_not_begun_twice(plan, figures_only):
    search(plan, 2, StringIO())
    with pytest.raises(InputError, match="holds a search already"):
        search(plan, 2, StringIO())
    clear_search(plan.journal)
    assert len(search(plan, 3, StringIO()).rows) == 3


def test_a_search_goes_on_with_its_own_plan_only(plan, figures_only):
    search(plan, 2, StringIO())
    with pytest.raises(InputError, match="was begun with another bits, seed"):
        search(replace(plan, bits=(2,), seed=9), 4, StringIO(), resume=True)


def test_nobody_resumes_a_search_that_runs(plan, figures_only):
    search(plan, 2, StringIO())
    with presence(plan.journal, alone=True):
        with pytest.raises(InputError, match="another process searches here"):
            search(plan, 4, StringIO(), resume=True)
        assert len(stored_results(plan.journal).rows) == 2  # looking is free


@pytest.mark.parametrize("contents", [None, b"", b"hello\n", b'{"op_code":9}\n'])
def test_what_is_no_journal(contents, tmp_path):
    journal = tmp_path / "journal.log"
    if contents is not None:
        journal.write_bytes(contents)
    with pytest.raises(InputError, match=r"journal.log: (there is no such|is no journal)"):
        open_study(journal)
