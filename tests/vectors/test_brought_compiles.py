"""Networks that users brought to the compiler: each compiles and runs, or is refused and told why.

Left out where the folder is not beside the checkout; `tests/unit` holds the same without it.
"""

import json

import pytest
from brought import beside
from property.agreement import require_agreement

from ai8x_models.describe.describe import describe
from ai8x_models.describe.subject import find_subject
from max78000.errors import InputError, ToolError, UnsupportedError
from max78000.facts.chip import MAX78000
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.graph.ir import Shape
from synthesis.lower.stand_in import made_up_image, made_up_weights
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.files import read_description
from synthesis.read.sample import read_sample
from synthesis.read.source import InputPath, Source
from synthesis.read.yaml_reader import read_network
from synthesis.variants.advice import compile_or_advise

FOLDER = beside("cases", "networks")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the networks in shared/cases")


def compile_case(name):
    """Compile a case with the options that its user gave."""
    folder = FOLDER / name
    flags = json.loads((folder / "flags.json").read_text())
    source = Source(
        read_description(folder / "network.yaml"),
        read_checkpoint(folder / "checkpoint.pth.tar"),
        read_sample(folder / "sample.npy"),
        InputPath.FIFO if "--fifo" in flags else InputPath.MEMORY,
    )
    options = ProgramOptions(
        name,
        round_average="--avg-pool-rounding" in flags,
        has_fixed_input="--fixed-input" in flags,
    )
    return compile_source(source, options, MAX78000)


@pytest.mark.parametrize("name", ["stream_slide", "flatten4bit_1out", "flatten4bit_53out_refused"])
def test_compiles(name):
    require_agreement(compile_case(name))


def test_the_fixed_pattern_begins_low():
    compiled = compile_case("fixed_input")
    (copy,) = compiled.program.phase("load_input").operations
    assert copy.words[:2] == (0x5555_5555, 0xAAAA_AAAA)
    require_agreement(compiled)


def test_averages_of_a_line_are_not_rounded():
    with pytest.raises(UnsupportedError, match=r"layers\[2\]: averages along a line .* \[L11\]"):
        compile_case("avg_rounding_conv1d")


def brought(text):
    """A described model with made up weights and sample."""
    network = read_network(text, "brought.yaml")
    image = made_up_image(network)
    return Source(network, made_up_weights(network, Shape(*image.shape), MAX78000), image)


@pytest.mark.parametrize(
    ("word", "shape", "named", "advice"),
    [
        ("toolarge.py:m2", (3, 32, 32), "layer_7 256", "use 4-bit weights in layer_7, layer_9"),
        ("bad.py:bigfc", (1, 28, 28), "flattens 784 pixels", "use the picture folded by 7"),
    ],
)
def test_what_is_too_large_gets_advice_that_helps(word, shape, named, advice):
    subject = find_subject(f"{FOLDER}/{word}", shape)
    source = brought(describe(subject.model, subject.shape).to_text())
    with pytest.raises(ToolError) as refusal:
        compile_or_advise(source, ProgramOptions("brought"), MAX78000)
    first, last = refusal.value.problems
    assert named in first.why
    assert last.fix.startswith(advice)


@pytest.mark.parametrize("name", ["bad1", "bad2"])
def test_a_sample_of_another_shape_is_told_the_shape(name):
    text = (FOLDER / "stroke_net.yaml").read_text() + "out_channels: [16, 24, 32, 4]\n"
    network = read_network(text, "stroke_net.yaml")
    weights = made_up_weights(network, Shape(1, 16, 16), MAX78000)
    source = Source(network, weights, read_sample(FOLDER / f"{name}.npy"))
    with pytest.raises(InputError, match=r"take 1x16x16 \[G24\]"):
        compile_source(source, ProgramOptions("stroke"), MAX78000)
