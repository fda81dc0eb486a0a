"""The report: figures of a small network, counted by hand."""

import json

import pytest

from max78000.facts.chip import MAX78000
from max78000.link.energy_report import estimated
from networks import Net, compile_net, image_of, report_of
from synthesis.report.report import Budget, make_report, to_json
from synthesis.report.sample import SampleRun
from synthesis.report.summary import summary_lines

NET = Net(
    "{name: a, op: conv2d, activate: ReLU}\n"
    "{name: b, op: none, max_pool: 2, pool_stride: 2}\n"
    "{name: c, op: linear, flatten: true, output_width: 32}",
    "4x2x3x3 3x36", bias=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def report():
    return report_of(NET)


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
    report = report_of(net)
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
    assert to_json(report_of(NET)) == to_json(report)


def test_warnings_are_in_the_report():
    report = report_of(Net("{max_pool: 2}", "4x2x3x3"))
    assert report.warnings == (
        "net.yaml:4 layers[0]: pooling with stride 1 [L6] (give pool_stride if unintended)",
        "net.yaml:4 layers[0]: the first layer pools 36 pixels to 25 [L8] (load a smaller picture)",
    )


# -- work, tensors, known answer -------------------------------------------------------------------


def full_report(net, **options):
    compiled = compile_net(net, **options)
    run = SampleRun(image_of(net), compiled.results)
    return make_report(compiled.placement, compiled.program.cycles, "tiny", MAX78000, run)


def test_loading_is_counted_in_words(report):
    """20 kernel words of 9 bytes, 7 bias bytes, 36 pixels of up to four channels."""
    weights, biases, image, inference = report.work
    assert [step.name for step in report.work] == ["weights", "biases", "input", "inference"]
    assert (weights.words, biases.words, image.words, inference.words) == (45, 7, 36, 0)
    assert weights.microseconds == pytest.approx(4.5)
    assert weights.energy_uj == pytest.approx(4.5 * 20e-3)
    assert [step.is_repeated for step in report.work] == [False, False, True, True]


@pytest.mark.parametrize(
    ("image", "data_format", "n_words"),
    [("4x3x3", "hwc", 9), ("5x3x3", "hwc", 18), ("3x3x3", "hwc", 9), ("3x3x3", "chw", 9),
     ("1x3x3", "chw", 3), ("1x3x3", "hwc", 9)],
)  # fmt: skip
def test_words_of_the_input(image, data_format, n_words):
    channels = image[0]
    net = Net(f"{{data_format: {data_format}}}", f"2x{channels}x3x3", image)
    assert report_of(net).work[2].words == n_words


def test_the_inference_takes_what_its_layers_and_the_rest_of_the_time_take(report):
    inference = report.work[-1]
    assert inference.microseconds == pytest.approx(1e3 * report.milliseconds)
    layers_us = sum(layer.microseconds for layer in report.layers)
    rest_uj = 20e-3 * (inference.microseconds - layers_us)
    layers_uj = sum(layer.energy_uj for layer in report.layers)
    assert inference.energy_uj == pytest.approx(layers_uj + rest_uj)


def test_the_energy_is_the_one_that_max78000_energy_prints(report, tmp_path):
    (tmp_path / "report.json").write_text(to_json(report))
    ((_, use),) = estimated(tmp_path).uses
    assert use.active_uj == pytest.approx(report.work[-1].energy_uj)


def test_tensors_and_their_lives(report):
    places = [(t.name, t.first_byte, t.end_byte, t.alive_from, t.alive_to) for t in report.tensors]
    assert places == [
        ("the input", 0, 144, -1, 0),
        ("a", 144, 288, 0, 1),
        ("b", 0, 36, 1, 2),
        ("c", 36, 52, 2, 3),
    ]
    assert [tensor.used_bytes for tensor in report.tensors] == [144, 144, 36, 16]
    assert report.tensors[1].is_alive(1)
    assert not report.tensors[1].is_alive(2)


def test_the_known_answer():
    report = full_report(NET)
    image = image_of(NET)
    assert (report.sample.input.shape, report.sample.input.values) == ((2, 6, 6), None)
    assert report.sample.input.mean == pytest.approx(image.mean(), abs=1e-6)
    assert (report.sample.input.lowest, report.sample.input.highest) == (image.min(), image.max())
    (answer,) = report.sample.outputs
    result = report.run.results[2]
    assert (answer.name, answer.layer, answer.width_bits) == ("c", 2, 32)
    assert answer.values == tuple(result.flat)
    assert result[answer.highest_at] == result.max() == answer.highest


def test_lines_of_the_description(report):
    assert [layer.line for layer in report.layers] == [4, 5, 6]


def test_without_a_run_there_is_no_quality():
    compiled = compile_net(NET)
    report = make_report(compiled.placement, compiled.program.cycles, "tiny", MAX78000)
    assert (report.accuracy, report.sample, report.run) == ((), None, None)
    data = json.loads(to_json(report))
    assert data["sample"] is None
    assert data["layers"][0]["quality"] is None
