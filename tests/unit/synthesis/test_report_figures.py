"""The report: figures of a small network, counted by hand."""

import json

import pytest

from networks import Net, compile_net
from synthesis.report import Budget, summary_lines, to_json

NET = Net(
    "{name: a, op: conv2d, activate: ReLU}\n"
    "{name: b, op: none, max_pool: 2, pool_stride: 2}\n"
    "{name: c, op: linear, flatten: true, output_width: 32}",
    "4x2x3x3 3x36", bias=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def report():
    return compile_net(NET).report


def test_weights(report):
    """Layer a: 4 words in 2 processors; layer c: 27 weights, 3 words, in each of 4 processors."""
    assert report.weights == Budget((4 * 2 + 3 * 4) * 9, 442_368)
    assert report.busiest_processor_words == Budget(4 + 3, 768)
    assert [layer.weight_bytes for layer in report.layers] == [72, 0, 108]
    assert [layer.weight_bits for layer in report.layers] == [8, 0, 8]


def test_biases_and_data(report):
    """Seven biases; the largest sum is input and result of layer a, 36 words each."""
    assert report.biases == Budget(7, 2048)
    assert report.data == Budget(2 * 36 * 4, 524_288)
    assert report.data.share == 288 / 524_288


def test_work_and_time(report):
    macs = [36 * 4 * 2 * 9, 0, 3 * 36]
    assert [layer.macs for layer in report.layers] == macs
    assert report.macs == sum(macs)
    assert report.cycles.total == 1 + sum(layer.cycles for layer in report.layers)
    assert report.milliseconds == pytest.approx(report.cycles.total / 50_000 + 0.0067)
    assert report.layers[0].microseconds == report.layers[0].cycles / 50


def test_the_layer_table(report):
    first, second, third = report.layers
    assert (first.index, first.name, first.operation) == (0, "a", "Conv2d 3x3, ReLU")
    assert second.operation == "max pool 2x2, Passthrough"
    assert third.operation == "Linear 1x1, 32 bits"
    assert (third.input, third.output) == ("4x3x3", "3x1x1")
    assert (third.processors, third.output_processors) == (f"0x{0xF:016x}", f"0x{7:016x}")
    assert (first.in_offset, first.out_offset, second.in_offset) == (0, 144, 144)


def test_shared_weights_count_once():
    net = Net("{name: a}\n{in_sequences: input, weight_source: a}", "4x2x3x3")
    report = compile_net(net).report
    assert [layer.weight_bytes for layer in report.layers] == [72, 0]
    assert report.weights.used == 72


def test_the_summary(report):
    cycles, time = f"{report.cycles.total:,}", f"{report.milliseconds:.2f}"
    assert summary_lines(report)[:4] == (
        "weights 180 of 442,368 bytes (0 %), busiest processor 7 of 768 words",
        "biases  7 of 2,048 bytes (0 %)",
        "data    288 of 524,288 bytes (0 %) at the largest layer",
        f"2,700 multiply-accumulates in {cycles} cycles, {time} ms at 50 MHz",
    )


def test_json_has_everything(report):
    data = json.loads(to_json(report))
    assert data["format"] == "max78000-report-1"
    assert data["weights"] == {"used": 180, "available": 442_368}
    assert data["cycles"]["total"] == report.cycles.total
    assert data["milliseconds"] == report.milliseconds
    assert [layer["name"] for layer in data["layers"]] == ["a", "b", "c"]
    assert data["warnings"] == []
    assert to_json(compile_net(NET).report) == to_json(report)


def test_warnings_are_in_the_report():
    report = compile_net(Net("{max_pool: 2}", "4x2x3x3")).report
    assert report.warnings == (
        "net.yaml:4 layers[0]: pooling with stride 1 [L6] (give pool_stride if unintended)",
        "net.yaml:4 layers[0]: the first layer pools 36 pixels to 25 [L8] (load a smaller picture)",
    )
