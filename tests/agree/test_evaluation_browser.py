"""The page of an evaluation in a browser, for every task: widths, colours, focus, pictures."""

import pytest
from browser import DESK, SCHEMES, TELEPHONE, TEXT_CONTRAST, measure
from installed import needs
from reported import KINDS, evaluation

from ai8x_models.tasks.sampled.report import N_WORST, report_page

pytestmark = [needs("chromium"), pytest.mark.long]


@pytest.fixture(scope="module", params=KINDS)
def page(request):
    one, samples = evaluation(request.param)
    return report_page([one, one], samples, "test")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_page_can_be_read_everywhere(page, scheme, tmp_path):
    for width, found in measure(page, scheme, tmp_path).items():
        assert found["page_width"] <= width
        assert found["outside"] == []
        assert found["broken"] == []
        assert found["unreachable"] == []
        assert found["out_of_reach"] == 0
        ratio, where = found["text"]
        assert ratio >= TEXT_CONTRAST, where
        assert found["n_texts"] > N_WORST


def test_tables_fit_a_desk(page, tmp_path):
    found = measure(page, "light", tmp_path)
    assert set(found) == {DESK, TELEPHONE}
    assert found[DESK]["scrolling"] == []
