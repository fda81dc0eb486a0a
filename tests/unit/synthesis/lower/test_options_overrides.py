"""What the command line changes in a network before it is compiled."""

import numpy as np
import pytest

from max78000.errors import InputError
from networks import Net, compile_net, image_of, network_of, source_of
from synthesis.graph.ir import INPUT, Producer
from synthesis.lower.overrides import (
    ALL,
    Overrides,
    apply_overrides,
    override_network,
    repeat_words,
)
from synthesis.read.source import InputPath

THREE = Net(
    "{name: a, op: conv2d, activate: ReLU}\n"
    "{name: pool, op: none, max_pool: 2, pool_stride: 2}\n"
    "{name: b, op: conv2d, kernel_size: 1x1, pad: 0, in_sequences: 1}\n",
    "4x2x3x3 5x4x1x1",
    bias=3,
)


def changed(net, **overrides):
    return override_network(network_of(net), Overrides(**overrides))


def compiled(net, **overrides):
    return compile_net(net, apply_overrides(source_of(net), Overrides(**overrides)))


def test_nothing_is_changed_unless_asked():
    source = source_of(THREE)
    assert apply_overrides(source, Overrides()) == source


def test_stop_after():
    assert [layer.name for layer in compiled(THREE, stop_after=1).graph.layers] == ["a", "pool"]
    assert len(compiled(THREE, stop_after=2).graph.layers) == 3


def test_output_width_is_that_of_the_last_layer_that_runs():
    assert [layer.output_width for layer in changed(THREE, output_width=32).layers] == [
        None, None, 32
    ]  # fmt: skip
    cut = changed(Net(THREE.layers.replace("ReLU", "none")), stop_after=0, output_width=32)
    assert [layer.output_width for layer in cut.layers] == [32, None, None]


def test_layers_left_out_keep_the_numbers_of_the_others():
    network = changed(THREE, skip_yaml_layers=1)
    assert [(layer.name, layer.sequence) for layer in network.layers] == [("pool", 1), ("b", 2)]
    image = np.zeros((4, 6, 6), np.int64)
    source = apply_overrides(
        source_of(Net(THREE.layers, THREE.weights, "4x6x6")),
        Overrides(skip_yaml_layers=1, skip_checkpoint_layers=1),
    )
    assert source.image.shape == image.shape
    graph = compile_net(THREE, source).graph
    assert [layer.sources for layer in graph.layers] == [(INPUT,), (Producer(0),)]
    assert graph.layers[1].kernel.source == "w1"


def test_layers_are_numbered_in_execution_order():
    net = Net("{name: late, op: none, sequence: 7}\n{name: early, op: none, sequence: 3}")
    network = changed(net, streaming_layers=(0,), input_offset=64)
    assert [(s.name, s.streaming, s.in_offset) for s in network.layers] == [
        ("late", False, None), ("early", True, 64)
    ]  # fmt: skip


def test_streaming_is_cleared_then_set():
    net = Net("{op: none, streaming: true}\n{op: none, streaming: true}\n{op: none}")
    assert [s.streaming for s in changed(net, ignore_streaming=True).layers] == [False] * 3
    both = changed(net, ignore_streaming=True, streaming_layers=(0,)).layers
    assert [s.streaming for s in both] == [True, False, False]


def test_ignore_activation():
    assert [s.activate for s in changed(THREE, ignore_activation=True).layers] == [None] * 3


@pytest.mark.parametrize(
    ("layers", "left"), [(ALL, [False, False]), ((0,), [False, True]), ((2,), [True, False])]
)
def test_no_bias(layers, left):
    source = apply_overrides(source_of(THREE), Overrides(no_bias=layers))
    assert [entry.bias is not None for entry in source.checkpoint.layers] == left
    assert bool(compile_net(THREE, source).program.phase("load_bias").operations) == any(left)


# fmt: off
REFUSED = [
    ({"stop_after": 3},                 "--stop-after: 3, there are 3 layers (give 0..2)"),
    ({"skip_yaml_layers": 3},           "--skip-yaml-layers: 3, there are 3 layers (give 0..2)"),
    ({"skip_checkpoint_layers": 2},     "--skip-checkpoint-layers: 2, there are 2 entries "
                                        "(give 0..1)"),
    ({"streaming_layers": (0, 5)},      "--streaming-layers: 5, there are 3 layers (give 0..2)"),
    ({"no_bias": (1,)},                 "--no-bias: layer 1 has no weights of its own (layers with "
                                        "weights are 0, 2)"),
    ({"synthesize_input": 1},           "--synthesize-input: needs --fifo and up to 4 channels in "
                                        "HWC; the sample has 2 [O3] (give --fifo, or the whole "
                                        "sample)"),
]
# fmt: on


@pytest.mark.parametrize(("overrides", "message"), REFUSED)
def test_layers_that_are_not_there(overrides, message):
    with pytest.raises(InputError) as caught:
        apply_overrides(source_of(THREE), Overrides(**overrides))
    assert str(caught.value) == message


def test_input_of_its_first_words():
    image = np.array([[[-1, 2], [0, 0]], [[3, -4], [0, 0]]])
    made = repeat_words(image, 1, 2)
    # words 0x03ff and 0xfc02, each plus one: the carry goes into the next channel
    assert made.tolist() == [[[-1, 2], [0, 3]], [[3, -4], [4, -4]]]
    assert repeat_words(image_of(THREE), 7, 36).tolist() == image_of(THREE).tolist()


def test_blocks_make_a_whole_image():
    with pytest.raises(InputError, match="--synthesize-words: 8 words do not divide 36 pixels"):
        repeat_words(image_of(THREE), 1, 8)


def test_made_up_input_reaches_the_fifo():
    net = Net("{op: conv2d}", "4x2x3x3", input_path=InputPath.FIFO)
    source = apply_overrides(source_of(net), Overrides(synthesize_input=0, synthesize_words=6))
    (feed,) = compile_net(net, source).program.phase("load_input").operations
    assert feed.words[:6] == feed.words[6:12] == feed.words[30:]
