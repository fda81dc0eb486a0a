"""What does not fit gets the cheapest change with which it does; the change is true."""

import numpy as np
import pytest

from max78000.errors import CapacityError, InputError, ProblemList
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from networks import Net, source_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.source import InputPath
from synthesis.variants import advice as advice_module
from synthesis.variants.advice import cheapest_variant, compile_or_advise

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

OPTIONS = ProgramOptions("tiny")
# Fourteen layers of 64 x 64 kernels take 14 * 64 of 768 words.
HEAVY = Net("\n".join(f"{{name: l{i}}}" for i in range(14)), "64x64x3x3 " * 14, "64x8x8")
# A picture of 40,000 bytes a channel is too large for a memory of 32,768, also channel by channel.
WIDE = Net("{name: a, max_pool: 4, pool_stride: 4}", "4x3x3x3", "3x200x200")
# Five layers of 512 biases: the four quadrants hold 512 each.
BIASED = Net(
    "\n".join(f"{{kernel_size: 1x1, pad: 0, name: l{i}}}" for i in range(10)),
    "512x4x1x1 4x512x1x1 " * 5,
    "4x4x4",
    bias=1,
)


def advice(net):
    with pytest.raises(ProblemList) as refusal:
        compile_or_advise(source_of(net), OPTIONS, MAX78000)
    *problems, last = refusal.value.problems
    assert problems
    assert isinstance(last, CapacityError)
    return last.fix


def runs(net, rule):
    """The advised network compiles and does on the accelerator what the interpreter says."""
    variant = cheapest_variant(source_of(net), MAX78000, frozenset({rule}))
    compiled = compile_source(variant.source, OPTIONS, MAX78000)
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None
    return variant


def test_weights_become_narrower_in_as_few_layers_as_will_do():
    assert advice(HEAVY) == "use 4-bit weights in l0, l1, l2, l3"
    variant = runs(HEAVY, "C12")
    bits = [layer.quantization for layer in variant.source.network.layers]
    assert bits == [4] * 4 + [None] * 10
    assert np.abs(variant.source.checkpoint.layers[0].weight).max() <= 8


@pytest.mark.parametrize(
    ("net", "n_tried"),
    [
        (
            HEAVY,
            28 - 3 - 2,
        ),  # 516,096 bytes: four of 4 bits, or three of 2, or more
        (Net("{name: a}\n{name: b}", "512x64x3x3 512x512x3x3", "64x8x8"), 0),
        (Net("{name: a}\n{name: b}\n{name: c}", "64x64x3x3 " * 3, "64x8x8"), 2 * 3),
    ],
)
def test_what_no_place_can_hold_is_not_placed(net, n_tried, monkeypatch):
    tried = []

    def place_nothing(source, *_others):
        tried.append(source)
        raise CapacityError("nothing is placed here")

    monkeypatch.setattr(advice_module, "place_source", place_nothing)
    found = cheapest_variant(source_of(net), MAX78000, frozenset({"C12"}))
    assert found is None
    assert len(tried) == n_tried


def test_a_large_picture_is_streamed():
    assert advice(WIDE) == "use --fifo, and `streaming: true` in the first layer"
    assert runs(WIDE, "D5").source.input_path is InputPath.FIFO


def test_results_of_32_bits_become_bytes():
    net = Net("{name: a}\n{name: b, output_width: 32}", "4x2x3x3 4x4x3x3", "2x80x80")
    assert advice(net) == "use output_width: 8 in b"
    assert [one.output_width for one in runs(net, "D6").source.network.layers] == [None, 8]


def test_biases_are_left_out():
    """A quadrant holds 512 bias bytes; these layers use all four."""
    assert advice(BIASED) == "use no bias in l0, l2"
    runs(BIASED, "C14")


OUT = "output_processors: 0xf"
LOOPING = Net(
    f"{{name: a, processors: 3, {OUT}, out_offset: 0x1000}}\n"
    f"{{name: b, processors: 15, {OUT}, in_offset: 0x1000, out_offset: 0x2000}}\n"
    "{op: add, processors: 15, in_sequences: [a, b], in_offset: 0x1000, out_offset: 0x3000}",
    "4x2x3x3 4x4x3x3",
)  # fmt: skip


def test_places_that_contradict_each_other_are_left_to_the_compiler():
    """Whatever is corrected in one of them another rule, or the same, refuses."""
    with pytest.raises(ProblemList) as refusal:
        compile_or_advise(source_of(LOOPING), OPTIONS, MAX78000)
    *problems, last = refusal.value.problems
    assert {problem.rule for problem in problems} >= {"D9"}
    assert last.fix == "use no processors, offsets and gaps: they are then chosen"
    assert isinstance(last, type(problems[0]))
    runs(LOOPING, "D9")


def test_a_picture_that_is_flattened_is_folded():
    net = Net("{op: linear, flatten: true}", "30x784", "1x28x28")
    assert advice(net) == "use the picture folded by 2 (4x14x14), weights in that order"
    large = Net("{op: linear, flatten: true}", "300x784", "1x28x28")
    assert advice(large) == "use the picture folded by 7 (49x4x4), weights in that order"
    runs(large, "F1")


def test_what_no_change_helps_is_refused_as_before():
    enormous = Net("{name: a}", "1024x1024x3x3", "1024x2x2")
    with pytest.raises(CapacityError, match=r"\[C12\]"):
        compile_or_advise(source_of(enormous), OPTIONS, MAX78000)


def test_other_refusals_are_left_alone():
    with pytest.raises(InputError, match=r"\[C11\]"):
        compile_or_advise(source_of(Net("{output_shift: 20}", "4x2x3x3")), OPTIONS, MAX78000)
