"""What a page is like in a browser, measured by headless Chromium.

The page is framed at the width of a desk and of a telephone; a probe that only the test adds writes
what it measures to the outer page.
"""

import html
import json
import re
import subprocess

from installed import find

DESK, TELEPHONE = 1280, 400
SCHEMES = {"dark": 0, "light": 1}  # Chromium's numbers
TEXT_CONTRAST, GRAPHIC_CONTRAST = 4.5, 3.0  # WCAG 2.1, level AA: 1.4.3 and 1.4.11
SECONDS = 120
PROBE = r"""
const known = new Map();
function channels(colour) {
  if (!known.has(colour)) known.set(colour, painted(colour));
  return known.get(colour);
}
function painted(colour) {
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
const name_of_frame = window.name;
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
  parent.document.documentElement.setAttribute(`data-${name_of_frame}`, JSON.stringify({
    page_width: document.documentElement.scrollWidth,
    is_dark: matchMedia('(prefers-color-scheme: dark)').matches,
    text: worst(texts.map(e => [contrast(getComputedStyle(e).color, behind(e)), name(e)])),
    graphic: blocks.length ? worst(blocks.map(e => [
      contrast(getComputedStyle(e).borderTopColor, behind(e.parentElement)), name(e)])) : null,
    n_texts: texts.length,
    out_of_reach: focusable.length - outlines.length,
    columns: Object.fromEntries([...document.querySelectorAll('.scroll:has(table)')].map(e => [
      e.getAttribute('aria-label'),
      [...e.querySelectorAll('thead th')].filter(one =>
        one.getBoundingClientRect().right <= e.getBoundingClientRect().right)
        .map(one => one.textContent.trim())])),
    scrolling: scrolling.map(e => e.getAttribute('aria-label')),
    unreachable: scrolling.filter(e => e.tabIndex !== 0).map(name),
    broken: [...document.images].filter(e => !e.naturalWidth).map(e => e.alt),
    outside: texts.filter(e => !e.closest('.scroll, .skip, .map, .split') &&
      e.getBoundingClientRect().right > innerWidth + 1).map(name),
  }));
});
"""


def measure(page, scheme, folder):
    """What the probe finds on a page, by the width of the frame; as of `measure_all`."""
    return measure_all([page], scheme, folder)[0]


def measure_all(pages, scheme, folder):
    """What the probe finds on each page, by the width of the frame; the browser starts once.

    Args:
        pages: HTML.
        scheme: of SCHEMES.
        folder: for files of the browser.
    """
    outer = folder / "frames.html"
    frames = "".join(map(_frames, range(len(pages)), pages))
    outer.write_text(f"<!DOCTYPE html><html><body>{frames}</body></html>", encoding="utf-8")
    command = [
        find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1800,900",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--dump-dom", outer.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    sizes = [{} for _ in pages]
    for index, width, text in re.findall(r'data-page(\d+)-(\d+)="([^"]*)"', done.stdout):
        sizes[int(index)][int(width)] = json.loads(html.unescape(text))
    for found in sizes:
        assert set(found) == {DESK, TELEPHONE}, done.stderr
        assert {size["is_dark"] for size in found.values()} == {scheme == "dark"}
    return sizes


def _frames(index, page):
    """A page in a frame of each width, whose name the probe gives with what it finds."""
    framed = html.escape(page.replace("</body>", f"<script>{PROBE}</script></body>"))
    return "".join(
        f'<iframe name="page{index}-{width}" srcdoc="{framed}" '
        f'style="border:0;width:{width}px;height:900px"></iframe>'
        for width in (DESK, TELEPHONE)
    )
