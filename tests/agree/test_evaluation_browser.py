"""The page of an evaluation in a browser, for every task: widths, colours, focus, pictures."""

from functools import cache

import pytest
from browser import DESK, SCHEMES, TELEPHONE, TEXT_CONTRAST, measure_all
from installed import needs
from reported import KINDS, evaluation

from ai8x_models.tasks.sampled.report import N_WORST, report_page

pytestmark = [needs("chromium"), pytest.mark.long]


def page_of(kind):
    one, samples = evaluation(kind)
    return report_page([one, one], samples, "test")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Scheme -> kind -> what the probe finds on its page, by the width of the frame."""

    @cache
    def of(scheme):
        pages = [page_of(kind) for kind in KINDS]
        found = measure_all(pages, scheme, tmp_path_factory.mktemp("browser"))
        return dict(zip(KINDS, found, strict=True))

    return of


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_can_be_read_everywhere(kind, scheme, measured):
    for width, found in measured(scheme)[kind].items():
        assert found["page_width"] <= width
        assert found["outside"] == []
        assert found["broken"] == []
        assert found["unreachable"] == []
        assert found["out_of_reach"] == 0
        ratio, where = found["text"]
        assert ratio >= TEXT_CONTRAST, where
        assert found["n_texts"] > N_WORST


@pytest.mark.parametrize("kind", KINDS)
def test_tables_fit_a_desk(kind, measured):
    found = measured("light")[kind]
    assert set(found) == {DESK, TELEPHONE}
    assert found[DESK]["scrolling"] == []
