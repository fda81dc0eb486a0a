"""The section `finish`: what is read, what it means, and the exact words for what is not taken."""

import pytest

from max78000.errors import ToolError
from networks import FILE, Net, compile_net, description, graph_of, placement_of
from synthesis.finish.steps import (
    Argmax,
    Clamp,
    Concat,
    Function,
    LogSoftmax,
    Normalize,
    Pair,
    Pairing,
    Permute,
    Pointwise,
    Reshape,
    Scale,
    Slice,
    Softmax,
)
from synthesis.graph.interpret import answers
from synthesis.lower.overrides import Overrides, override_network
from synthesis.read.description import StepSpec
from synthesis.read.finish_keys import WORDS
from synthesis.read.yaml_reader import read_network
from synthesis.text import placed_yaml

LAYERS = (
    "{name: a, op: conv2d, kernel_size: 3x3, pad: 1, output: true}\n"
    "{name: b, in_sequences: a, op: conv2d, kernel_size: 1x1, pad: 0, output_width: 32, "
    "output: true}"
)
WEIGHTS = "4x2x3x3 8x4x1x1"


def net(*steps, layers=LAYERS, weights=WEIGHTS):
    lines = "".join(f"  - {{{step}}}\n" for step in steps)
    return Net(layers, weights, sections=f"finish:\n{lines}")


def first_step(text):
    (spec,) = read_network(description("{op: none}") + f"finish:\n- {{{text}}}\n", FILE).finish
    return spec


# fmt: off
STEPS = [
    ("op: softmax, dim: 0",                          Softmax(0)),
    ("op: Softmax, dim: -1",                         Softmax(-1)),
    ("op: log_softmax, dim: 1",                      LogSoftmax(1)),
    ("op: argmax, dim: 0",                           Argmax(0)),
    ("op: normalize, dim: 0",                        Normalize(0, 1e-12)),
    ("op: normalize, dim: 0, eps: 1e-6",             Normalize(0, 1e-6)),
    ("op: sigmoid",                                  Pointwise(Function.SIGMOID)),
    ("op: tanh",                                     Pointwise(Function.TANH)),
    ("op: clamp, min: -1, max: 2.5",                 Clamp(-1, 2.5)),
    ("op: scale, factor: 2",                         Scale((2,), (0,))),
    ("op: scale, factor: [2, 3], offset: 1, dim: 0", Scale((2, 3), (1,), 0)),
    ("op: mul, input: [x, x]",                       Pair(Pairing.MUL)),
    ("op: cat, dim: 0",                              Concat(0)),
    ("op: permute, dims: [1, 2, 0]",                 Permute((1, 2, 0))),
    ("op: reshape, shape: [-1, 4]",                  Reshape((-1, 4))),
    ("op: reshape, shape: 8",                        Reshape((8,))),
    ("op: slice, dim: 0, start: 1, stop: 5",         Slice(0, 1, 5, 1)),
]
BAD = [
    ("op: sofmax, dim: 0", "op: 'sofmax' must be one of " + ", ".join(WORDS)
     + "; did you mean 'softmax'? [G22]"),
    ("dim: 0", f"op missing [G22] (one of {', '.join(WORDS)})"),
    ("op: softmax", "dim missing [G22] (give it)"),
    ("op: softmax, dims: 0", "unknown key 'dims' [G3] (did you mean 'dim'?)"),
    ("op: softmax, dim: x", "dim: 'x' must be an integer [G22]"),
    ("op: scale, factor: []", "factor: [] must be at least one number [G22]"),
    ("op: scale, factor: .nan", "factor: nan must be a finite number [G22]"),
    ("op: sigmoid, name: float", "name: 'float' must be a name of letters, digits and _, and no "
     "keyword of C [G22]"),
    ("op: sigmoid, name: a-b", "name: 'a-b' must be a name of letters, digits and _, and no "
     "keyword of C [G22]"),
    ("op: sigmoid, input: []", "input: [] must be at least one name [G22]"),
]
# fmt: on


@pytest.mark.parametrize(("text", "step"), STEPS)
def test_a_step(text, step):
    assert first_step(text).step == step


def test_what_every_step_has():
    spec = first_step("op: sigmoid, name: Probs, input: [A, b], result: true")
    wanted = StepSpec(6, Pointwise(Function.SIGMOID), "Probs", ("a", "b"), result=True)
    assert spec == wanted


@pytest.mark.parametrize(("text", "words"), BAD)
def test_what_is_not_read(text, words):
    with pytest.raises(ToolError) as refusal:
        first_step(text)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith("net.yaml:6 finish[0]: ")


def test_all_faults_of_a_file_at_once():
    text = description("{op: none, pad: x}") + "finish:\n- 3\n- {op: argmax}\n- {op: cat, dim: y}\n"
    with pytest.raises(ToolError) as refusal:
        read_network(text, FILE)
    starts = [line.partition("]: ")[0] for line in str(refusal.value).splitlines()]
    assert starts == [f"net.yaml:{line}" for line in ("4 layers[0", "6 finish[0", "7 finish[1",
                                                      "8 finish[2")]  # fmt: skip


def test_a_list_is_wanted():
    with pytest.raises(ToolError, match="finish must be a list of steps"):
        read_network(description("{op: none}") + "finish: softmax\n", FILE)


def test_steps_read_the_one_before_and_the_last_layer():
    finish = graph_of(net("op: reshape, shape: [8, -1]", "op: softmax, dim: 0")).finish
    assert [one.name for one in finish.inputs] == ["b"]
    assert [step.name for step in finish.steps] == ["step0", "step1"]
    assert [step.inputs for step in finish.steps] == [(0,), (1,)]
    assert [step.shape for step in finish.steps] == [(8, 36), (8, 36)]
    assert [step.name for step in finish.results] == ["step1"]


def test_stored_integers_become_real_numbers():
    finish = graph_of(net("op: cat, dim: 0, input: [a, b]")).finish
    assert [one.unit for one in finish.inputs] == [1 / 128, 1 / 16384]
    narrow = LAYERS.replace("32,", "32, quantization: 4,")
    small = Net(narrow, WEIGHTS, bits=4, sections="finish:\n- {op: cat, dim: 0, input: [a, b]}\n")
    assert [one.unit for one in graph_of(small).finish.inputs] == [1 / 128, 1 / 1024]


def test_axes_of_length_1_at_the_end_are_none():
    layers = "{name: fc, op: linear, flatten: true}"
    finish = graph_of(net("op: softmax, dim: 0", layers=layers, weights="10x72")).finish
    assert finish.inputs[0].shape == finish.steps[0].shape == (10,)


# fmt: off
REFUSED = [
    ("op: softmax, dim: 3", "dim 3 of a tensor of 8x6x6 [G26] (give -3 to 2; axes are counted "
     "without a batch)"),
    ("op: sigmoid, input: c", "reads c: no layer and no step before [G26] (name one of these)"),
    ("op: sigmoid, name: A", "the name is taken [G26] (give every layer and step a name of its "
     "own)"),
    ("op: sigmoid, name: s, input: s", "reads s, which is not there [G26] (mend that step first)"),
]
# fmt: on


@pytest.mark.parametrize(("step", "words"), REFUSED)
def test_what_does_not_go_together(step, words):
    with pytest.raises(ToolError) as refusal:
        graph_of(net(step))
    where = str(refusal.value).partition(": ")[0]
    assert where.startswith("net.yaml:7 finish[0]")
    assert str(refusal.value).removeprefix(f"{where}: ") == words


def test_use_of_steps():
    for steps, words in (
        (("op: sigmoid", "op: tanh, input: a"), "nobody reads it, and it is no result"),
        (("op: argmax, dim: 0", "op: sigmoid"), "an index is read by another step"),
    ):
        with pytest.raises(ToolError, match=words):
            graph_of(net(*steps))


def test_only_what_is_unloaded_can_be_read():
    layers = LAYERS.replace("1, output: true", "1")
    with pytest.raises(ToolError, match=r"reads layer a, which is not unloaded .*output: true"):
        graph_of(net("op: sigmoid, input: a", layers=layers))


def test_not_beside_an_unload_list():
    given = net("op: sigmoid")
    unload = "unload:\n- {processors: 0xf, channels: 4, dim: 6, offset: 0}\n"
    both = Net(given.layers, given.weights, sections=given.sections + unload)
    with pytest.raises(ToolError, match="unload delivers something else"):
        graph_of(both)


def test_a_network_cut_short_has_none():
    network = read_network(description(LAYERS) + "finish:\n- {op: sigmoid}\n", FILE)
    assert override_network(network, Overrides()).finish
    assert not override_network(network, Overrides(stop_after=0)).finish
    assert not override_network(network, Overrides(skip_yaml_layers=1)).finish


def test_the_placed_description_says_it_again():
    given = net(
        "name: p, op: permute, input: a, dims: [1, 2, 0]",
        "op: reshape, shape: [-1, 8]",
        "op: scale, factor: [0.1, 1, 1, 1, 1, 1, 1, 1], offset: 1e-9, dim: 1, result: true",
        "op: normalize, input: b, dim: 0, eps: 1e-30, result: true",
    )
    text = placed_yaml(placement_of(given).placed_graph)
    finish = graph_of(given).finish
    again = read_network(text, "again.yaml").finish
    assert [spec.step for spec in again] == [step.step for step in finish.steps]
    assert [spec.result for spec in again] == [step.is_result for step in finish.steps]


def test_the_interpreter_computes_it():
    compiled = compile_net(net("op: reshape, shape: -1", "name: all, op: softmax, dim: 0"))
    (shares,) = answers(compiled.graph, compiled.results).values()
    assert shares.shape == (288,)
    assert shares.sum() == pytest.approx(1)
    assert not answers(compile_net(Net(LAYERS, WEIGHTS)).graph, compiled.results)
