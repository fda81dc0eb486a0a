"""The rolling buffer: sections and keys, what they compute, and that the accelerator does it too.

The network of these tests sees 3x3 pictures, one after the other: a convolution makes one pixel of
eight channels of each, the buffer keeps the last five, a one-dimensional convolution looks at them.
"""

from dataclasses import replace

import numpy as np
import pytest

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from networks import Net, compile_net, graph_of, image_of, network_of, placement_of, source_of
from synthesis.graph.interpret import interpret, run_layer
from synthesis.graph.ir import BUFFER, INPUT, Producer
from synthesis.read.yaml_reader import read_network
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import apply_rules
from synthesis.text import placed_yaml

SECTION = (
    "data_buffer:\n"
    "  - {name: Past, processors: 0x0000.0000.0000.00ff, channels: 8, dim: 5, offset: 0x7fec}\n"
)
FEATURES = "{op: conv2d, kernel_size: 3x3, pad: 0, name: features%s}"
SHIFT = "{op: none, in_sequences: past, buffer_shift: 1, name: shift%s}"
INSERT = (
    "{op: conv2d, kernel_size: 3x3, pad: 0, in_sequences: input, buffer_insert: 1, name: newest%s}"
)
HEAD = "{op: conv1d, kernel_size: 3, pad: 0, in_sequences: past, name: head%s}"
COPY = "{op: none, name: copy%s}"


def net(copy="", shift="", insert="", head="", section=SECTION):
    layers = [COPY % copy, SHIFT % shift, INSERT.replace("input", "copy") % insert, HEAD % head]
    return Net("\n".join(layers), "8x2x3x3 4x8x3", "2x3x3", sections=section)


def problems(**changes):
    with pytest.raises(ToolError) as refusal:
        graph_of(net(**changes))
    return str(refusal.value).splitlines()


def test_the_buffer_is_read_in_any_case():
    graph = graph_of(net())
    assert graph.buffer.name == "Past"
    assert str(graph.buffer.shape) == "8x5x1"
    assert [layer.sources for layer in graph.layers] == [
        (INPUT,),
        (BUFFER,),
        (Producer(0),),
        (BUFFER,),
    ]
    assert [str(layer.out_shape) for layer in graph.layers] == ["2x3x3", "8x4x1", "8x1x1", "4x3x1"]


def test_places_follow_from_the_buffer():
    placed = placement_of(net()).layers
    assert [(p.in_offset, p.out_offset) for p in placed[1:3]] == [
        (0x7FF0, 0x7FEC),
        (placed[0].out_offset, 0x7FFC),
    ]
    assert placed[3].in_offset == 0x7FEC
    assert {p.processors for p in (placed[1], placed[3])} == {0xFF}


def test_pictures_roll_through():
    graph = graph_of(net())
    first, *_ = [interpret(graph, image_of(net(), seed)) for seed in (1,)]
    features = run_layer(graph.layers[2], [first[0]])
    before = np.zeros((8, 5, 1), np.int64)
    assert np.array_equal(first[1], before[:, 1:])
    assert np.array_equal(first[2], features)
    before[:, 4:] = features
    assert np.array_equal(first[3], run_layer(graph.layers[3], [before]))


def test_the_accelerator_rolls_as_the_interpreter_does():
    compiled = compile_net(net())
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None


def test_the_accelerator_keeps_the_buffer_between_pictures():
    """Three pictures: what the last answer needs of the first two is in the buffer alone."""
    sources = [replace(source_of(net()), image=image_of(net(), seed)) for seed in (1, 2, 3)]
    programs = [compile_net(net(), source).program for source in sources]
    machine = Machine(MAX78000)
    for program in programs:
        for phase in program.phases:
            if program is programs[0] or phase.name in ("load_input", "start"):
                machine.execute(phase)
    graph = graph_of(net())
    copies = [interpret(graph, source.image)[0] for source in sources]
    newest = [run_layer(graph.layers[2], [copy])[:, :, 0] for copy in copies]
    past = np.concatenate([np.zeros((8, 2), np.int64), *newest], axis=1)[:, :, None]
    expected = run_layer(graph.layers[3], [past])
    assert np.array_equal(machine.read_output(programs[-1].outputs[-1]), expected)


def test_the_completed_description_compiles_to_the_same_program():
    compiled = compile_net(net())
    text = placed_yaml(compiled.placement.placed_graph).replace("arch: tiny", "arch: tiny")
    again = replace(source_of(net()), network=read_network(text, "placed.yaml"))
    assert compile_net(net(), again).program == compiled.program


def test_nothing_else_is_placed_in_the_buffer():
    section = SECTION.replace("0x7fec", "0")
    placed = placement_of(net(section=section)).placed_graph
    others = [
        p.out_offset for p in placed.layers if not (p.layer.buffer_shift + p.layer.buffer_insert)
    ]
    assert all(offset >= 5 * 4 for offset in others)


def test_given_places_that_overlap_the_buffer_are_refused():
    given = "processors: 0x3, output_processors: 0x3, in_offset: 0, out_offset: 0x7fd8"
    overlapping = net(copy=f", {given}")
    found = apply_rules(PLACEMENT_RULES, placement_of(overlapping), MAX78000, frozenset())
    assert [str(error) for error in found.errors if error.rule == "D8"] == [
        "net.yaml:4 layers[0] copy: its output overwrites Past at byte 0x7fec of a data memory, "
        "which has to last until the next inference [D8] (move out_offset to the other half "
        "(0x4000), or use other processors)"
    ]


# fmt: off
REFUSALS = [
    ({"shift": ", in_offset: 0x7fec"},
     "net.yaml:5 layers[1] shift: in_offset 0x7fec, what it reads of Past is there: 0x7ff0 [G20] "
     "(use in_offset: 0x7ff0)"),
    ({"shift": ", out_offset: 0"},
     "net.yaml:5 layers[1] shift: out_offset 0x0, its place in Past is 0x7fec [G20] "
     "(use out_offset: 0x7fec)"),
    ({"shift": ", output_processors: 0xff00"},
     "net.yaml:5 layers[1] shift: output_processors differ from those of Past [G20] "
     "(use output_processors: 0x00000000000000ff)"),
    ({"shift": ", max_pool: 2, pool_stride: 1"},
     "net.yaml:5 layers[1] shift: buffer_shift in a layer that does more than to copy [G20] "
     "(use op: passthrough, in_sequences: Past and nothing else)"),
    ({"shift": ", in_dim: 3"},
     "net.yaml:5 layers[1] shift: buffer_shift 1 leaves 4 of 5 pixels, the layer reads 3 [G20] "
     "(correct in_dim or buffer_shift)"),
    ({"insert": ", output_width: 32"},
     "net.yaml:6 layers[2] newest: inserts 1 pixels of 8 channels, the layer makes 8x1x1 of 32 "
     "bits [G20] (make both equal)"),
    ({"section": ""},
     "net.yaml:5 layers[1] shift: no layer 'past' [G8] (there are input, copy, shift, newest, "
     "head, 0, 1, 2, 3)"),
    ({"section": SECTION + SECTION.splitlines()[1] + "\n"},
     "net.yaml:10 data_buffer: a second data_buffer: a network has one [G21] (put its channels "
     "into the first)"),
    ({"section": SECTION.replace(", dim: 5", "")},
     "net.yaml:9 data_buffer[0]: dim missing [G22] (give all of them)"),
    ({"section": SECTION.replace("Past", "copy")},
     "net.yaml:4 layers[0] copy: the name 'copy' is that of the data buffer [G7] (rename)"),
    ({"section": SECTION.replace("}", ", width: 32}")},
     "net.yaml:9 data_buffer Past: a buffer of 32 bits: layers read 8 [G21] (remove width)"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "message"), REFUSALS)
def test_refusals(changes, message):
    assert message in problems(**changes)


def test_the_first_layer_reads_the_input():
    shifted = Net(SHIFT % "", image="8x5x1", sections=SECTION)
    with pytest.raises(ToolError, match="the first layer reads Past, not the network's input"):
        graph_of(shifted)


def test_a_buffer_among_operands_is_refused():
    layers = "{op: none, name: copy}\n{op: add, in_sequences: [copy, past]}"
    with pytest.raises(ToolError, match="reads Past together with other tensors"):
        graph_of(Net(layers, image="8x5x1", sections=SECTION))


def test_simulated_sequence_may_not_differ():
    with pytest.raises(ToolError, match="simulated_sequence 'stop' differs from next_sequence"):
        graph_of(Net("{op: none, simulated_sequence: stop}\n{op: none}"))
    assert len(network_of(Net("{op: none, simulated_sequence: 1, next_sequence: 1}")).layers) == 1
