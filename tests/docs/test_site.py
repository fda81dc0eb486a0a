"""The site: built without a warning, readable without network, and saying what the code says."""

import dataclasses
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from ai8x_models.layers import vendor_names as names
from ai8x_models.layers.qat import STATE_NAMES
from max78000.errors import UnsupportedError
from max78000.program.operations import Copy, Fifo, KernelBlock, Poll, Require, Write
from max78000.program.program import PHASE_NAMES, OutputMap
from synthesis.read.yaml_reader import BUFFER_KEYS, LAYER_KEYS, NETWORK_KEYS, UNLOAD_KEYS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SVG = "{http://www.w3.org/2000/svg}"
EXTERNAL = re.compile(r"(https?:)?//")
LOADING = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def scripts():
    """The scripts of the documentation, which are in no package."""
    sys.path.insert(0, str(DOCS))
    try:
        import drawings  # noqa: PLC0415 - not there without the line above
        import site_hooks  # noqa: PLC0415
        import tables  # noqa: PLC0415
    finally:
        sys.path.remove(str(DOCS))
    return {"drawings": drawings, "site_hooks": site_hooks, "tables": tables}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr
    return folder


class _Page(HTMLParser):
    """What a page links to, what it loads, and what can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in LOADING and values.get(LOADING[tag]):
            self.loads.append(values[LOADING[tag]])


def pages_of(site):
    return {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def words_of(text):
    """What stands between backquotes."""
    return set(re.findall(r"`([^`\n]+)`", text))


# -- the site --------------------------------------------------------------------------------------


def test_every_document_is_a_page_in_the_navigation(site, scripts):
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    entries = json.dumps(config["nav"])
    listed = set(re.findall(r"[\w/-]+\.md", entries))
    elsewhere = scripts["site_hooks"].PAGES_ELSEWHERE
    documents = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert listed == documents | set(elsewhere)
    pages = {path.relative_to(site).with_suffix(".md").as_posix() for path in pages_of(site)}
    assert pages == listed | {"404.md"}


def test_nothing_is_loaded_from_elsewhere(site):
    loaded = [url for page in pages_of(site).values() for url in page.loads]
    assert len(loaded) > 100
    assert [url for url in loaded if EXTERNAL.match(url)] == []
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_links_lead_somewhere(site):
    pages = pages_of(site)
    for path, page in pages.items():
        if path.name == "404.html":  # its links count from the top of a server
            continue
        for link in page.links:
            if EXTERNAL.match(link) or link.startswith("mailto:"):
                continue
            name, _, fragment = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.is_file(), f"{path.name}: {link}"
            assert not fragment or fragment in pages[target].ids, f"{path.name}: {link}"


@pytest.mark.parametrize(
    ("link", "home", "turned"),
    [
        ("[a](../networks/README.md)", "docs/x.md", "[a](networks.md)"),
        ("[a](../networks/README.md#keys)", "docs/x.md", "[a](networks.md#keys)"),
        ("[a](rules.md)", "docs/x.md", "[a](rules.md)"),
        ("[a](#here)", "docs/x.md", "[a](#here)"),
        ("[a](https://example.org/x.md)", "docs/x.md", "[a](https://example.org/x.md)"),
        ("![a](img/chip.svg)", "docs/x.md", "![a](img/chip.svg)"),
        ("[a](../docs/rules.md#d5)", "networks/README.md", "[a](rules.md#d5)"),
        ("[a](rules.md)", "docs/hardware/y.md", "a (`docs/hardware/rules.md`)"),
        ("[a](../rules.md#d5)", "docs/hardware/y.md", "[a](../rules.md#d5)"),
        ("[a](z.md#post)", "docs/hardware/y.md", "[a](z.md#post)"),
        ("[a](hardware/z.md)", "docs/x.md", "[a](hardware/z.md)"),
        ("[a](../../networks/README.md)", "docs/hardware/y.md", "[a](../networks.md)"),
        ("[LICENSE](../LICENSE)", "docs/x.md", "LICENSE"),
        ("[a recipe](../runs/a.yaml)", "docs/x.md", "a recipe (`runs/a.yaml`)"),
    ],
)
def test_links_are_turned(scripts, link, home, turned):
    site = frozenset({"rules.md", "networks.md", "x.md", "hardware/z.md", "img/chip.svg"})
    assert scripts["site_hooks"].turn_links(link, home, site) == turned


# -- pictures --------------------------------------------------------------------------------------


def test_pictures_are_those_of_the_script(scripts):
    drawings = scripts["drawings"]
    drawn = {f"{name}.svg": draw().to_text() for name, draw in drawings.DRAWINGS.items()}
    shipped = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "img").iterdir()}
    assert shipped == drawn, "run: python docs/drawings.py"


def test_pictures_can_be_read_aloud_and_in_the_dark():
    for path in (DOCS / "img").glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        labels = {root.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")}
        assert set(root.get("aria-labelledby").split()) == labels
        assert all(root.find(f"{SVG}{tag}").text for tag in ("title", "desc"))
        assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text
        assert root.find(f"{SVG}rect").get("class") == "paper"


def test_elements_stay_on_the_paper():
    for path in (DOCS / "img").glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        width, height = int(root.get("width")), int(root.get("height"))
        for box in root.iter(f"{SVG}rect"):
            x, y, *size = (float(box.get(key, 0)) for key in ("x", "y", "width", "height"))
            assert x >= 0
            assert y >= 0
            assert x + size[0] <= width
            assert y + size[1] <= height
        for text in root.iter(f"{SVG}text"):
            assert 0 < float(text.get("x")) < width
            assert 0 < float(text.get("y")) < height


# -- what the pages say ----------------------------------------------------------------------------


def test_tables_are_those_of_the_script(scripts):
    tables = scripts["tables"]
    for name in tables.PAGES:
        text = (DOCS / name).read_text(encoding="utf-8")
        assert tables.MARKED.search(text)
        assert text == tables.renewed(text), "run: python docs/tables.py"


def test_the_table_has_every_layer_name(scripts):
    table = scripts["tables"].layer_names()
    listed = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    is_layer = re.compile(r"[A-Z]\w*(Conv|Linear|Pool\dd)\w*|Conv\w+|Linear|Add|Sub|Bitwise\w+")
    assert listed == {name for name in vars(names) if is_layer.fullmatch(name)}
    assert len(listed) == 55


@pytest.mark.parametrize("name", ["DepthwiseConv2d", "SoftwareLinear"])
def test_names_said_to_be_refused_are(name):
    page = (DOCS / "coming-from-ai8x.md").read_text(encoding="utf-8")
    assert re.search("Depthwise|SoftwareLinear", page)
    with pytest.raises(UnsupportedError):
        getattr(names, name)


def test_every_key_of_a_description_is_explained():
    layers = words_of((ROOT / "networks/README.md").read_text(encoding="utf-8"))
    assert set(LAYER_KEYS) - layers == set()
    around = words_of((DOCS / "formats.md").read_text(encoding="utf-8"))
    known = {*NETWORK_KEYS, "layers", "data_buffer", "unload", *BUFFER_KEYS, *UNLOAD_KEYS}
    assert known - around == set()


def test_every_key_of_the_files_is_explained():
    words = words_of((DOCS / "formats.md").read_text(encoding="utf-8"))
    keys = {field.name for kind in (Write, Copy, KernelBlock, Fifo, Poll, Require, OutputMap)
            for field in dataclasses.fields(kind)}  # fmt: skip
    assert {*keys, *PHASE_NAMES} - words == set()
    schema = json.loads((ROOT / "synthesis/report/report.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - words == set()
    assert {f"LAYER.{name}" for name in STATE_NAMES} - words == set()
