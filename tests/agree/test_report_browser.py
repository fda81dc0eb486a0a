"""The report in a browser: widths, colours, focus and pictures, measured by headless Chromium.

The page is framed at the width of a desk and of a telephone; a probe that only the test adds writes
what it measures to the outer page. Both colour schemes are looked at.
"""

import html
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from installed import find, needs

from max78000.facts.chip import MAX78000
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.evaluation import NetworkScore
from synthesis.read.files import Files, read_source
from synthesis.report.html import report_html
from synthesis.report.report import make_report
from synthesis.report.sample import SampleRun

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = find("chromium")
DESK, TELEPHONE = 1280, 400
SCHEMES = {"dark": 0, "light": 1}  # Chromium's numbers
TEXT_CONTRAST, GRAPHIC_CONTRAST = 4.5, 3.0  # WCAG 2.1, level AA: 1.4.3 and 1.4.11
SECONDS = 120
PROBE = r"""
function channels(colour) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}
function luminance(colour) {
  const [r, g, b] = channels(colour).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (channels(colour)[3] === 255) return colour;
  }
  return 'white';
}
const elements = [...document.body.querySelectorAll('*')];
const name = e => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 30)}`;
const texts = elements.filter(e => e.getClientRects().length &&
  [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
const blocks = elements.filter(e => e.matches('.map .block, .swatch'));
const worst = pairs => pairs.reduce((a, b) => a[0] < b[0] ? a : b);
const focusable = elements.filter(e => e.matches('a[href], [tabindex="0"]'));
const scrolling = elements.filter(e => e.scrollWidth > e.clientWidth &&
  ['auto', 'scroll'].includes(getComputedStyle(e).overflowX));
const outlines = focusable.filter(e => (e.focus(), document.activeElement === e));
window.addEventListener('load', () => {
  parent.document.documentElement.dataset[`w${innerWidth}`] = JSON.stringify({
    page_width: document.documentElement.scrollWidth,
    is_dark: matchMedia('(prefers-color-scheme: dark)').matches,
    text: worst(texts.map(e => [contrast(getComputedStyle(e).color, behind(e)), name(e)])),
    graphic: worst(blocks.map(e => [
      contrast(getComputedStyle(e).borderTopColor, behind(e.parentElement)), name(e)])),
    n_texts: texts.length,
    out_of_reach: focusable.length - outlines.length,
    scrolling: scrolling.map(e => e.getAttribute('aria-label')),
    unreachable: scrolling.filter(e => e.tabIndex !== 0).map(name),
    broken: [...document.images].filter(e => !e.naturalWidth).map(e => e.alt),
    outside: texts.filter(e => !e.closest('.scroll, .skip, .map, .split') &&
      e.getBoundingClientRect().right > innerWidth + 1).map(name),
  });
});
"""

pytestmark = needs("chromium")


@pytest.fixture(scope="module")
def page():
    """The shipped network's page."""
    network = ROOT / "networks/pose_tiny.yaml"
    checkpoint = ROOT / "checkpoints/pose_tiny-q.pth.tar"
    source = read_source(Files(network, checkpoint, ROOT / "networks/samples/pose_tiny.npy"))
    compiled = compile_source(source, ProgramOptions("pose_tiny"), MAX78000)
    run = SampleRun(source.image, compiled.results)
    report = make_report(compiled.placement, compiled.program.cycles, "pose_tiny", MAX78000, run)
    file = f"{'runs/a_folder_of_a_long_name/' * 3}pose_tiny-q.pth.tar"
    score = NetworkScore(file, "integer", "pose", "AP", 0.5, (0.4, 0.6), "validation", 300)
    warnings = ("net.yaml:4 layers[0]: a warning " * 6,)
    report = replace(report, warnings=warnings, scores=(score, replace(score, interval=None)))
    return report_html(report, compiled.placement, MAX78000, network.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=SCHEMES)
def measured(request, page, tmp_path_factory):
    """What the probe finds, by the width of the frame."""
    folder = tmp_path_factory.mktemp("browser")
    framed = html.escape(page.replace("</body>", f"<script>{PROBE}</script></body>"))
    frames = "".join(
        f'<iframe srcdoc="{framed}" style="border:0;width:{width}px;height:900px"></iframe>'
        for width in (DESK, TELEPHONE)
    )
    outer = folder / "frames.html"
    outer.write_text(f"<!DOCTYPE html><html><body>{frames}</body></html>", encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1800,900",
        f"--blink-settings=preferredColorScheme={SCHEMES[request.param]}", "--dump-dom",
        outer.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    found = re.findall(r'data-w(\d+)="([^"]*)"', done.stdout.partition(">")[2].partition(">")[0])
    sizes = {int(width): json.loads(html.unescape(text)) for width, text in found}
    assert set(sizes) == {DESK, TELEPHONE}, done.stderr
    assert {size["is_dark"] for size in sizes.values()} == {request.param == "dark"}
    return sizes


def test_nothing_sticks_out_sideways(measured):
    for width, found in measured.items():
        assert found["page_width"] <= width
        assert found["outside"] == []


def test_tables_fit_a_desk(measured):
    assert set(measured[DESK]["scrolling"]) <= {"Network description"}


def test_what_scrolls_is_reached_by_keyboard(measured):
    assert "Layer table" in measured[TELEPHONE]["scrolling"]
    for found in measured.values():
        assert found["unreachable"] == []
        assert found["out_of_reach"] == 0


def test_text_can_be_read(measured):
    for found in measured.values():
        ratio, where = found["text"]
        assert ratio >= TEXT_CONTRAST, where
        assert found["n_texts"] > 300


def test_boxes_stand_out_from_their_map(measured):
    for found in measured.values():
        ratio, where = found["graphic"]
        assert ratio >= GRAPHIC_CONTRAST, where


def test_pictures_are_understood(measured):
    for found in measured.values():
        assert found["broken"] == []
