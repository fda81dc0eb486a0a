"""The drawing of the network: every reading is an arrow, and no two things share a place."""

from itertools import combinations
from pathlib import Path

import pytest

from max78000.facts.chip import MAX78000
from networks import Net, graph_of
from synthesis.lower.lower import lower
from synthesis.lower.stand_in import stand_in
from synthesis.read.files import Ready, find_files, read_source
from synthesis.read.source import InputPath
from synthesis.report.drawing import BOX_HEIGHT, BOX_WIDTH, MARGIN, draw

ROOT = Path(__file__).resolve().parents[4]
CHAIN = Net("{name: a}\n{name: b}", "4x2x3x3 4x4x3x3")
SKIP = Net(
    "{name: a}\n{name: b}\n{name: c}\n{op: add, in_sequences: [a, c], name: sum}",
    "4x2x3x3 4x4x3x3 4x4x3x3",
)

ROLLING = Net(
    "{op: none, name: copy}\n"
    "{op: none, in_sequences: past, buffer_shift: 1, name: shift}\n"
    "{kernel_size: 3x3, pad: 0, in_sequences: copy, buffer_insert: 1, name: newest}\n"
    "{op: conv1d, kernel_size: 3, pad: 0, in_sequences: past, name: head}",
    "8x2x3x3 4x8x3", "2x3x3",
    sections="data_buffer:\n"
             "- {name: past, processors: 0xff, channels: 8, dim: 5, offset: 0x7fec}\n",
)  # fmt: skip


def drawn(graph):
    return draw(graph, [layer.op.value for layer in graph.layers])


def shipped(name):
    files = find_files(ROOT / f"networks/{name}.yaml", None, None)
    ready = stand_in(files, Ready(), MAX78000).ready
    return lower(read_source(files, InputPath.MEMORY, ready), MAX78000)


def rows(drawing):
    """Layer -> the heights of its box."""
    return {box.layer: range(box.top, box.top + BOX_HEIGHT + 1) for box in drawing.boxes}


def ends(arrow, drawing):
    """The layers that an arrow leaves and enters."""
    (_, begin), (_, end) = arrow.points[0], arrow.tip[0]
    found = [layer for y in (begin, end) for layer, row in rows(drawing).items() if y in row]
    return tuple(found)


def test_a_chain_is_straight():
    drawing = drawn(graph_of(CHAIN))
    assert [(box.name, box.shape) for box in drawing.boxes] == [
        ("input", "2x6x6"), ("a", "4x6x6"), ("b", "4x6x6"),
    ]  # fmt: skip
    assert [ends(arrow, drawing) for arrow in drawing.arrows] == [(-1, 0), (0, 1)]
    assert {x for arrow in drawing.arrows for x, _ in arrow.points} == {MARGIN + BOX_WIDTH / 2}
    assert [box.is_output for box in drawing.boxes] == [False, False, True]


def test_a_skip_goes_around():
    drawing = drawn(graph_of(SKIP))
    *straight, around = drawing.arrows
    assert [ends(arrow, drawing) for arrow in straight] == [(-1, 0), (0, 1), (1, 2), (2, 3)]
    assert ends(around, drawing) == (0, 3)
    assert max(x for x, _ in around.points) > MARGIN + BOX_WIDTH
    assert drawing.words.endswith("sum reads a, c")


def test_the_rolling_buffer_has_one_name():
    drawing = drawn(graph_of(ROLLING))
    assert [box.name for box in drawing.boxes[:2]] == ["rolling buffer", "input"]
    assert drawing.words == (
        "copy reads input; shift reads rolling buffer; newest reads copy; head reads rolling buffer"
    )


@pytest.mark.parametrize("name", ["pose_student", "small_unet", "residual_net"])
def test_every_reading_is_an_arrow(name):
    graph = shipped(name)
    drawing = drawn(graph)
    read = {(source.step, layer.index) for layer in graph.layers for source in layer.sources}
    assert {ends(arrow, drawing) for arrow in drawing.arrows} == read
    assert len(drawing.arrows) == len(read)


@pytest.mark.parametrize("name", ["pose_student", "small_unet", "residual_net"])
def test_lanes_of_different_tensors_do_not_touch(name):
    around = [one for one in drawn(shipped(name)).arrows if len(one.points) > 2]
    for one, other in combinations(around, 2):
        if one.layer != other.layer and one.points[1][0] == other.points[1][0]:
            (_, _), (_, begin), (_, end), _ = one.points
            (_, _), (_, first), (_, last), _ = other.points
            assert end < first or last < begin


def test_nothing_leaves_the_drawing():
    drawing = drawn(shipped("small_unet"))
    points = [point for arrow in drawing.arrows for point in (*arrow.points, *arrow.tip)]
    assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in points)
    assert drawing.boxes[-1].top + BOX_HEIGHT < drawing.height


def test_long_names_are_cut():
    name = "a_layer_with_a_name_that_is_longer_than_its_box"
    drawing = drawn(graph_of(Net(f"{{name: {name}}}", "4x2x3x3")))
    assert drawing.boxes[1].name == "a_layer_with_a_name…"
