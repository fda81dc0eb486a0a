"""Memory maps: rectangles of a small network, by hand; none lies outside its map."""

import pytest

from max78000.facts.chip import MAX78000
from networks import Net, compile_net
from synthesis.report.maps import bias_boxes, data_maps, kernel_boxes, shown_bytes
from synthesis.report.report import TensorReport, report_on

NET = Net(
    "{name: a, activate: ReLU, processors: 0x0000000000030003}\n{name: b, output_width: 32}",
    "8x4x3x3 70x8x3x3", "4x6x6", bias=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def compiled():
    return compile_net(NET)


def tensor(instances, first_byte, end_byte, life=(0, 1)):
    used = (end_byte - first_byte) * len(instances)
    return TensorReport("t", 3, instances, first_byte, end_byte, used, *life)


def test_kernels_of_scattered_processors_are_two_boxes(compiled):
    boxes = [box for box in kernel_boxes(compiled.placement, MAX78000) if box.layer == 0]
    slot = compiled.placement.layers[0].kernel_slot
    assert [box.left for box in boxes] == [0, 25]
    assert {box.width for box in boxes} == {100 * 2 / 64}
    assert {box.top for box in boxes} == {100 * slot.first_word / 768}
    assert {box.height for box in boxes} == {100 * slot.n_words / 768}
    last = slot.first_word + slot.n_words - 1
    assert boxes[1].title == f"a: words {slot.first_word} to {last} of processors 16 to 17"


def test_biases_are_in_their_quadrants(compiled):
    first, second = bias_boxes(compiled.placement, MAX78000)
    assert (first.label, second.label) == ("a", "b")
    assert first.height == 100 * 8 / 512
    assert first.width == second.width == 25
    assert {first.left, second.left} <= {0, 25, 50, 75}


def test_shared_kernels_are_drawn_once():
    net = Net("{name: a}\n{in_sequences: input, weight_source: a}", "4x2x3x3")
    assert {box.layer for box in kernel_boxes(compile_net(net).placement, MAX78000)} == {0}


def test_data_maps_show_what_is_alive(compiled):
    maps = list(data_maps(report_on(compiled, MAX78000).tensors, ["a", "b"], MAX78000))
    assert [(one.layer, one.name) for one in maps] == [(0, "a"), (1, "b")]
    assert [one.names for one in maps] == [("the input", "a"), ("a", "b")]


def test_a_tensor_has_a_box_for_each_run_of_instances():
    ((first, second),) = (
        one.boxes for one in data_maps([tensor((0, 1, 4), 512, 1024, (0, 0))], ["x"], MAX78000)
    )
    assert (first.left, first.width) == (0, 12.5)
    assert (second.left, second.width) == (25, 6.25)
    assert (first.top, first.height) == (50, 50)
    assert first.title == "t: bytes 0x0200 to 0x03ff"


@pytest.mark.parametrize(
    ("end_byte", "shown"), [(4, 1024), (1024, 1024), (1028, 2048), (20_000, 32768), (32768, 32768)]
)
def test_the_maps_show_a_power_of_two(end_byte, shown):
    assert shown_bytes([tensor((0,), 0, end_byte)], MAX78000) == shown


def test_no_box_lies_outside_its_map(compiled):
    boxes = [
        *kernel_boxes(compiled.placement, MAX78000),
        *bias_boxes(compiled.placement, MAX78000),
        *(
            box
            for one in data_maps(report_on(compiled, MAX78000).tensors, "ab", MAX78000)
            for box in one.boxes
        ),
    ]
    assert boxes
    for box in boxes:
        assert 0 <= box.left < box.left + box.width <= 100
        assert 0 <= box.top < box.top + box.height <= 100
