"""The page: what it says, that it stands alone, and that one can get around in it.

Widths, colours and focus are measured by a browser, in `tests/agree/test_report_browser.py`.
"""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from max78000.facts.chip import MAX78000
from networks import Net, compile_net, description, image_of, report_of
from synthesis.read.evaluation import NetworkScore
from synthesis.report.html import report_html
from synthesis.report.report import (
    SIZES_ONLY,
    Budget,
    FirmwareReport,
    Part,
    VariantReport,
    make_report,
)
from synthesis.report.sample import SampleRun
from synthesis.report.variant_lines import heading

NET = Net(
    "{name: first, activate: ReLU}\n{name: half, op: none, max_pool: 2, pool_stride: 2}\n"
    "{name: last, op: linear, flatten: true, output_width: 32}",
    "8x3x3x3 5x72", "3x6x6", bias=1,
)  # fmt: skip
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Elements in order: tag, attributes, text inside; refuses tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, texts in self.open:
            texts.append(data)

    def all(self, *tags):
        return [(attrs, "".join(texts)) for tag, attrs, texts in self.found if tag in tags]

    def values(self, attribute):
        return [attrs[attribute] for _, attrs, _ in self.found if attribute in attrs]


def html_of(net, *, has_run=True, has_description=True, **changes):
    compiled = compile_net(net)
    run = SampleRun(image_of(net), compiled.results) if has_run else None
    report = make_report(compiled.placement, compiled.program.cycles, "tiny", MAX78000, run)
    text = description(net.layers) if has_description else None
    report = replace(report, **changes)
    return report_html(report, compiled.placement, MAX78000, text)


@pytest.fixture(scope="module")
def html():
    return html_of(NET)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_title_language_and_landmarks(page):
    (attrs, _), *_ = page.all("html")
    assert attrs["lang"] == "en"
    assert [text for _, text in page.all("title")] == ["tiny on MAX78000"]
    for landmark in ("header", "main", "footer", "nav"):
        assert len(page.all(landmark)) == 1
    assert "width=device-width" in page.values("content")[0]


def test_scores_stand_beside_the_cycles(page):
    assert not [text for _, text in page.all("dt") if text.startswith("Evaluated")]
    data = ("test", 1200)
    scores = (
        NetworkScore("a<b.pth.tar", "integer", "segmentation", "mIoU", 0.65432, (0.61, 0.7), *data),
        NetworkScore("c.pth.tar", "qat", "segmentation", "mIoU", 0.7, None, *data),
    )
    shown = Page(html_of(NET, scores=scores))
    assert [text for _, text in shown.all("dt")][4:6] == ["Evaluated mIoU", "Evaluated mIoU"]
    first, second = [text for _, text in shown.all("dd")][4:6]
    between = "0.6100 to 0.7000 with 95 % confidence"
    assert first == f"0.6543{between}, 1,200 test examples; a<b.pth.tar (integer)"
    assert second == "0.70001,200 test examples; c.pth.tar (qat)"


def test_changes_are_listed_where_they_were_tried(page):
    assert "variants" not in page.values("id")
    other = Net("{name: first, kernel_size: 1x1, pad: 0}", "8x3x1x1", "3x6x6")
    variant = VariantReport("a<b in first", "model: a<b", report_of(other))
    changed = Page(html_of(NET, variants=(variant,)))
    (_, text), *_ = [one for one in changed.all("section") if one[0]["id"] == "variants"]
    assert SIZES_ONLY in text
    assert "Their weights are made up" not in text
    cells = {text for _, text in changed.all("th", "td")}
    before, after = report_of(NET).cycles.total, variant.report.cycles.total
    change = f"{100 * after / before - 100:+.1f} %"
    assert {"a<b in first", "model: a<b", f"{before:,}", f"{after:,}", change} <= cells
    (_, text), *_ = [
        one for one in Page(html_of(NET, variants=())).all("section") if one[0]["id"] == "variants"
    ]
    assert "No change that was tried fits the accelerator" in text


def test_cycles_of_layers_that_stream_are_marked_as_estimates():
    exact = report_of(NET)
    variant = VariantReport("change", "how", exact)
    streaming = replace(exact, cycles=replace(exact.cycles, is_estimate=True))
    assert heading(exact)[1:4] == (">cycles", ">change", ">ms")
    assert heading(streaming)[1:4] == (">cycles (est.)", ">change", ">ms (est.)")
    for report in (exact, streaming):
        shown = Page(html_of(NET, variants=(variant,), cycles=report.cycles))
        heads = {text for _, text in shown.all("th")}
        assert ({"Cycles (est.)", "ms (est.)"} <= heads) == report.cycles.is_estimate


def test_each_cell_stands_below_its_heading(page):
    """The layer table, whose columns have been in another order."""
    heads = [text for _, text in page.all("th")]
    start = heads.index("of peak") - 3
    columns = heads[start : start + 13]
    assert (columns[0], columns[-1]) == ("Layer", "Line")
    first = report_of(NET).layers[0]
    ids = [attrs.get("id") for attrs, _ in page.all("tr")]
    row = page.all("tr")[ids.index("layer-0")][1].split()
    assert row[:4] == ["0", "first", f"{first.cycles:,}", f"{100 * first.of_peak:.1f}"]
    assert first.of_peak == first.macs / (first.cycles * 64 * 9)


def test_flash_and_ram_are_there_where_they_are_known(page):
    known = FirmwareReport(Budget(9, 90), Budget(5, 50), (Part("code", 9),), (Part("stack", 5),))
    shown = Page(html_of(NET, firmware=known))
    assert "code" not in [text for _, text in page.all("th")]
    assert {"code", "stack"} <= {text for _, text in shown.all("th")}
    meters = [attrs["aria-label"] for _, attrs, _ in shown.found if attrs.get("role") == "meter"]
    assert meters[-2:] == ["Flash", "RAM"]


def test_maps_have_axes(page):
    axes = [text for attrs, text in page.all("div") if attrs.get("class") == "axis down"]
    assert axes[0] == "0x00000x02000x0400"
    assert axes[-2:] == ["0128256384512640768", "0128256384512"]


def test_headings_go_down_one_at_a_time(page):
    levels = [int(tag[1]) for tag, _, _ in page.found if tag in ("h1", "h2", "h3")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_stands_alone(html, page):
    assert not page.all("script")
    assert not re.search(r"https?:|url\(|@import", html)
    assert all(source.startswith("data:") for source in page.values("src"))


def test_links_have_targets(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = [href for href in page.values("href") if href != "data:,"]
    assert targets
    assert {href.removeprefix("#") for href in targets} <= set(ids)


def test_layers_and_lines_lead_to_each_other(page):
    links = {attrs["href"]: text for attrs, text in page.all("a")}
    for layer in range(3):
        assert f"#line-{4 + layer}" in links
        assert f"#layer-{layer}" in links
    lines = [text for attrs, text in page.all("li") if attrs.get("id", "").startswith("line-")]
    assert "\n".join(lines) + "\n" == description(NET.layers)


def test_tables_say_what_their_cells_are(page):
    assert all(attrs.get("scope") in ("col", "row") for attrs, _ in page.all("th"))
    for attrs in (attrs for attrs, _ in page.all("div") if attrs.get("class") == "scroll"):
        assert attrs["tabindex"] == "0"
        assert attrs["role"] == "region"
        assert attrs["aria-label"]


def test_pictures_and_maps_have_words(page):
    assert all(attrs["alt"] for attrs, _ in page.all("img"))
    assert all(attrs["aria-label"] for _, attrs, _ in page.found if attrs.get("role") == "img")
    meters = [attrs for _, attrs, _ in page.found if attrs.get("role") == "meter"]
    assert [attrs["aria-valuemax"] for attrs in meters] == [
        "442368", "768", "2048", "524288", "32",
    ]  # fmt: skip


def test_every_layer_is_in_every_table(page):
    """Layers, processors, quality; kernels of those that have any."""
    heads = [text for attrs, text in page.all("th") if attrs.get("scope") == "row"]
    assert heads.count("0 first") == heads.count("2 last") == 4
    assert heads.count("1 half") == 3


def test_the_known_answer_is_shown(page):
    captions = [re.sub(r"\s+", " ", text) for _, text in page.all("figcaption")]
    assert captions[0].startswith("input 3x6x6, 8 bits: as it is. Values ")
    assert captions[1].startswith("last 5x1x1, 32 bits. Values ")
    assert len(page.all("img")) == 1  # five values are a table


def test_quality_is_explained(page):
    (_, text), *_ = [section for section in page.all("section") if section[0]["id"] == "quality"]
    assert "Quantization signal-to-noise ratio" in text
    assert "log₁₀" in text
    assert "exact" in text


def test_loading_nothing_is_no_inference():
    """Without biases: the inference is named once."""
    page = Page(html_of(Net("{name: a}", "4x2x3x3")))
    names = [text for attrs, text in page.all("th") if attrs.get("scope") == "row"]
    assert names.count("inference") == names.count("load biases") == 1


def test_estimates_are_called_estimates(page):
    (_, text), *_ = [section for section in page.all("section") if section[0]["id"] == "work"]
    assert "Estimates, within a factor of 2" in text
    assert "arXiv 2202.07503" in text
    assert "load weights" in text


@pytest.mark.parametrize("has_run", [True, False])
@pytest.mark.parametrize("has_description", [True, False])
def test_what_is_not_known_is_left_out(has_run, has_description):
    page = Page(html_of(NET, has_run=has_run, has_description=has_description))
    ids = page.values("id")
    assert ("quality" in ids) == ("sample" in ids) == has_run
    assert ("description" in ids) == ("line-4" in ids) == has_description
    targets = {href.removeprefix("#") for href in page.values("href") if href != "data:,"}
    assert targets <= set(ids)


def test_text_from_files_is_text():
    html = html_of(replace(NET, layers=NET.layers + " # <script>&"), warnings=("<b>careful</b>",))
    page = Page(html)
    assert not page.all("script")
    assert "<b>careful</b>" in [text for _, text in page.all("li")]
    assert any(text.endswith("# <script>&") for _, text in page.all("li"))


@pytest.mark.parametrize(
    "net",
    [
        Net("{op: none, max_pool: 2, pool_stride: 2}"),
        Net("{op: none, eltwise: add, operands: 2}", "", "8x4x4"),
        Net("{op: conv1d, kernel_size: 3, pad: 1, output: true}\n{op: none}", "4x3x3", "3x20"),
        Net("{op: linear, flatten: true}", "100x72"),
    ],
)
def test_other_networks(net):
    Page(html_of(net))


def test_same_network_same_bytes(html):
    assert html_of(NET) == html
