"""The report in a browser: widths, colours, focus and pictures, measured by headless Chromium."""

from dataclasses import replace
from pathlib import Path

import pytest
from browser import DESK, GRAPHIC_CONTRAST, SCHEMES, TELEPHONE, TEXT_CONTRAST, measure
from installed import needs

from max78000.facts.chip import MAX78000
from networks import Net, report_of
from synthesis.compile import compile_source
from synthesis.emit.firmware_size import report_firmware
from synthesis.emit.options import ProjectOptions
from synthesis.generate.options import ProgramOptions
from synthesis.read.evaluation import NetworkScore
from synthesis.read.files import Files, read_source
from synthesis.report.compare import to_html
from synthesis.report.compared import read_reports
from synthesis.report.html import report_html
from synthesis.report.report import VariantReport, make_report, to_json
from synthesis.report.sample import SampleRun

ROOT = Path(__file__).resolve().parents[2]
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
    variant = VariantReport("16 channels in conv3, not 32", "model: 16 output channels", report)
    report = replace(
        report,
        firmware=report_firmware(compiled, ProjectOptions(), MAX78000),
        variants=(variant, replace(variant, change="input folded by 2, no pooling in conv4")),
    )
    file = f"{'runs/a_folder_of_a_long_name/' * 3}pose_tiny-q.pth.tar"
    score = NetworkScore(file, "integer", "pose", "AP", 0.5, (0.4, 0.6), "validation", 300)
    warnings = ("net.yaml:4 layers[0]: a warning " * 6,)
    report = replace(report, warnings=warnings, scores=(score, replace(score, interval=None)))
    return report_html(report, compiled.placement, MAX78000, network.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=SCHEMES)
def measured(request, page, tmp_path_factory):
    """What the probe finds, by the width of the frame."""
    return measure(page, request.param, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module", params=SCHEMES)
def comparison(request, tmp_path_factory):
    """The same of a page that compares two reports."""
    folder = tmp_path_factory.mktemp("compared")
    layers = "{name: a_first_layer}\n{name: b}"
    files = []
    for name, n_channels in (("before", 64), ("after", 60)):
        net = Net(layers, f"{n_channels}x3x3x3 64x{n_channels}x3x3", "3x80x80")
        score = NetworkScore("net.pth.tar", "qat", "pose", "AP", 0.5, (0.4, 0.6), "test", 9)
        report = replace(report_of(net), name=name, scores=(score,))
        files.append(folder / f"{name}.json")
        files[-1].write_text(to_json(report), encoding="utf-8")
    return measure(to_html(read_reports(files)), request.param, folder)


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


def test_a_comparison_is_seen_whole_on_a_telephone(comparison):
    for width, found in comparison.items():
        assert found["page_width"] <= width
        assert found["outside"] == []
        assert found["unreachable"] == []
        assert found["text"][0] >= TEXT_CONTRAST, found["text"][1]
        assert found["columns"]["Figures"] == ["Figure", "before", "after", "change"]


FIRST = {
    "Flash and RAM of the firmware": {"Part", "Bytes"},
    "Time and energy of loading and inference": {"Step", "µs", "µJ (est.)"},
    "Layer table": {"Layer", "Cycles", "Time", "of peak"},
    "The network as it is, and with one change each": {"Change", "Cycles", "change"},
    "Quantization quality of the layers": {"Layer", "Rounding only", "With clipping"},
    "Tensors in data memory": {"Tensor", "Bytes in all", "First byte"},
    "Kernel memory of the layers": {"Layer", "Words in all", "Processors"},
}


@pytest.mark.parametrize("table", FIRST)
def test_columns_that_matter_are_seen_on_a_telephone_without_scrolling(measured, table):
    assert FIRST[table] <= set(measured[TELEPHONE]["columns"][table])


def test_the_drawing_fits_a_telephone(measured):
    assert "Drawing of the network" not in measured[TELEPHONE]["scrolling"]


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
