"""Descriptions: what is read, and the exact words for what is not."""

import contextlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import InputError, ProblemList, ToolError, UnsupportedError
from max78000.facts.fixed import Activation, Combine
from networks import FILE, HEADER, description
from synthesis.read.description import DataFormat, LayerSpec, Operator
from synthesis.read.yaml_reader import LAYER_KEYS, OTHER_CHIP_KEYS, read_network


def problems(text):
    """The lines a user reads for a refused description."""
    with pytest.raises(ToolError) as refusal:
        read_network(text, FILE)
    return str(refusal.value).splitlines()


def first_layer(entries):
    return read_network(description(f"{{{entries}}}"), FILE).layers[0]


def test_a_whole_description():
    text = "arch: a\ndataset: b\nbias: c\noutput_map: 0xf0\n"
    text += "layers:\n- name: X\n  op: add\n- {pad: 0}\n"
    network = read_network(text, FILE)
    assert (network.arch, network.dataset, network.bias) == ("a", "b", "c")
    assert network.output_map == 0xF0
    add = LayerSpec(line=6, name="X", op=Operator.PASSTHROUGH, eltwise=Combine.ADD)
    assert network.layers == (add, LayerSpec(line=8, pad=0))
    assert network.where(0) == "net.yaml:6 layers[0] X"
    assert network.where(1) == "net.yaml:8 layers[1]"


def test_a_byte_order_mark_and_carriage_returns_are_harmless():
    text = "\ufeff" + description("{op: none}").replace("\n", "\r\n")
    assert read_network(text, FILE) == read_network(description("{op: none}"), FILE)


# fmt: off
VALUES = [
    # entry                                     attribute            value
    ("op: Conv2D",                              "op",                Operator.CONV2D),
    ("op: None",                                "op",                Operator.PASSTHROUGH),
    ("op: null",                                "op",                Operator.PASSTHROUGH),
    ("convolution: FC",                         "op",                Operator.LINEAR),
    ("operator: bitwise_XOR",                   "op",                Operator.PASSTHROUGH),
    ("operator: bitwise_XOR",                   "eltwise",           Combine.XOR),
    ("op: add, eltwise: sub",                   "eltwise",           Combine.SUB),
    ("eltwise: Sub",                            "eltwise",           Combine.SUB),
    ("activate: ReLU",                          "activate",          Activation.RELU),
    ("activation: ~",                           "activate",          Activation.NONE),
    ("kernel_size: 3x3",                        "kernel_size",       (3, 3)),
    ("kernel_size: 3X3",                        "kernel_size",       (3, 3)),
    ("kernel_size: 9",                          "kernel_size",       (9, 1)),
    ("max_pool: 2",                             "max_pool",          2),
    ("avg_pool: [2, 3]",                        "avg_pool",          (2, 3)),
    ("in_dim: 5",                               "in_dim",            (5, 1)),
    ("in_dim: [5]",                             "in_dim",            (5, 1)),
    ("in_dim: [5, 6]",                          "in_dim",            (5, 6)),
    ("in_crop: [1, 0]",                         "in_crop",           (1, 0)),
    ("stride: 2",                               "stride",            (2, 2)),
    ("in_sequences: Conv1",                     "in_sequences",      ("conv1",)),
    ("in_sequences: [-1, Input, 3]",            "in_sequences",      (-1, "input", 3)),
    ("next_sequence: STOP",                     "next_sequence",     "stop"),
    ("bias_quadrant: 2",                        "bias_group",        (2,)),
    ("bias_group: [0, 3]",                      "bias_group",        (0, 3)),
    ("data_format: big",                        "data_format",       DataFormat.CHW),
    # YAML 1.1: words that are booleans, digits in base 2, 8, 16 and 60
    ("output: yes",                             "output",            True),
    ("flatten: Off",                            "flatten",           False),
    ("output: 1",                               "output",            True),
    ("output_shift: -0x3",                      "output_shift",      -3),
    ("pad: 0b10",                               "pad",               2),
    ("write_gap: 017",                          "write_gap",         15),
    ("in_dim: 1:30",                            "in_dim",            (90, 1)),
    # the many spellings of a processor map
    ("processors: 255",                         "processors",        0xFF),
    ("processors: 0xff",                        "processors",        0xFF),
    ("processors: 0x0000_00ff",                 "processors",        0xFF),
    ("processors: 0x0000.0000.0000.00ff",       "processors",        0xFF),
    ('processors: "ff"',                        "processors",        0xFF),
    ('processors: "ffff.0000.0000.0000"',       "processors",        0xFFFF << 48),
    ('output_processors: "0xFFFF_FFFF_FFFF_FFFF"', "output_processors", 2**64 - 1),
]
BAD_VALUES = [
    # entry                       the message after the place
    ("op: conv3d",                "op: 'conv3d' must be one of conv1d, conv2d, convtranspose2d, "
                                  "linear, fc, mlp, none, passthrough, add, sub, or, bitwiseor, "
                                  "bitwise_or, xor, bitwisexor, bitwise_xor; did you mean "
                                  "'conv2d'?"),
    ("activate: relu6",           "activate: 'relu6' must be one of none, relu, abs; did you mean "
                                  "'relu'?"),
    ("eltwise: mul",              "eltwise: 'mul' must be one of add, sub, or, bitwiseor, "
                                  "bitwise_or, xor, bitwisexor, bitwise_xor"),
    ("data_format: nchw",         "data_format: 'nchw' must be one of hwc, little, chw, big; did "
                                  "you mean 'chw'?"),
    ("quantization: 3",           "quantization: 3 must be one of 1, 2, 4, 8"),
    ("output_width: 16",          "output_width: 16 must be one of 8, 32"),
    ("operands: 17",              "operands: 17 must be an integer from 2 to 16"),
    ("operands: 2.0",             "operands: 2.0 must be an integer"),
    ("sequence: 32",              "sequence: 32 must be an integer from 0 to 31"),
    ("out_offset: 0x20000",       "out_offset: 131072 must be an integer from 0 to 131071"),
    ("pad: true",                 "pad: True must be an integer"),
    ("pad: .inf",                 "pad: inf must be an integer"),
    ('pad: !!int ""',             "pad: '' must be an integer"),
    ('flatten: "false"',          "flatten: 'false' must be true or false (without quotes)"),
    ("output: !!bool maybe",      "output: 'maybe' must be true or false (without quotes)"),
    ("name: 7",                   "name: 7 must be a word"),
    ('name: ""',                  "name: '' must be a word"),
    ("kernel_size: [3, 3]",       "kernel_size: [3, 3] must be rows x columns such as 3x3, or one "
                                  "integer for Conv1d"),
    ("kernel_size: three",        "kernel_size: 'three' must be rows x columns such as 3x3, or one "
                                  "integer for Conv1d"),
    ('kernel_size: "²x3"',        "kernel_size: '²x3' must be rows x columns such as 3x3, or one "
                                  "integer for Conv1d"),
    ("stride: [1, 1, 1]",         "stride: [1, 1, 1] must be two integers [rows, columns]"),
    ("in_dim: []",                "in_dim: [] must be two integers [rows, columns]"),
    ("in_sequences: []",          "in_sequences: [] must be at least one layer"),
    ("in_sequences: null",        "in_sequences: None must be the number or the name of a layer"),
    ("weight_source: 1.5",        "weight_source: 1.5 must be the number or the name of a layer"),
    ("bias_group: 4",             "bias_group: 4 must be an integer from 0 to 3"),
    ("processors: 0",             "processors: 0 must be a map from 0x1 to 0xffffffffffffffff"),
    ('processors: "0x1.0000.0000.0000.0000"',
                                  "processors: '0x1.0000.0000.0000.0000' must be a map from 0x1 to "
                                  "0xffffffffffffffff"),
    ("processors: all",           "processors: 'all' must be a 64-bit map such as "
                                  "0x0000.0000.0000.00ff"),
    ("pad: " + 5000 * "9",        "pad: '999999999999...9999999999999' must be an integer"),
]
# fmt: on


@pytest.mark.parametrize(("entry", "attribute", "value"), VALUES)
def test_spellings(entry, attribute, value):
    layer = first_layer(entry)
    assert getattr(layer, attribute) == value
    assert type(getattr(layer, attribute)) is type(value)


def test_the_output_map_takes_dots():
    text = description("{op: none}") + "output_map: 0x0000.0000.0000.0003\n"
    assert read_network(text, FILE).output_map == 3


@pytest.mark.parametrize(("entry", "message"), BAD_VALUES, ids=lambda text: text[:20])
def test_bad_values(entry, message):
    assert problems(description(f"{{{entry}}}")) == [f"net.yaml:4 layers[0]: {message} [G22]"]


@pytest.mark.parametrize("key", sorted(OTHER_CHIP_KEYS))
def test_keys_of_the_larger_chip(key):
    harmless, fix = OTHER_CHIP_KEYS[key]
    with pytest.raises(UnsupportedError) as refusal:
        first_layer(f"{key}: 2")
    assert str(refusal.value) == (
        f"net.yaml:4 layers[0]: {key}: 2 exists on MAX78002 only [G18] ({fix})"
    )
    word = "null" if harmless is None else str(harmless).lower()
    assert first_layer(f"{key}: {word}") == LayerSpec(line=4)


def test_binary_weights_and_snoop_of_the_larger_chip():
    assert problems("snoop: [1]\n" + description("{quantization: BIN}")) == [
        "net.yaml:1: snoop exists on MAX78002 only [G18] (remove it)",
        "net.yaml:5 layers[0]: binary weights {-1, +1} exist on MAX78002 only [G18] "
        "(use quantization: 1, whose weights are {-1, 0})",
    ]


def test_a_wrong_key_names_its_neighbour():
    assert problems(description("{activaton: relu}")) == [
        "net.yaml:4 layers[0]: unknown key 'activaton' [G3] (did you mean 'activation'?)"
    ]
    assert problems(HEADER.replace("dataset", "datset") + "  - {}\n") == [
        "net.yaml:1: dataset missing [G2] (give arch, dataset and layers)",
        "net.yaml:2: unknown key 'datset' [G3] (did you mean 'dataset'?)",
    ]
    (line,) = problems(description("{zzz: 1}"))
    assert line.startswith(
        "net.yaml:4 layers[0]: unknown key 'zzz' [G3] (known keys: name, sequence, "
    )


def test_keys_are_case_sensitive():
    assert problems(description("{Pad: 1}")) == [
        "net.yaml:4 layers[0]: unknown key 'Pad' [G3] (did you mean 'pad'?)"
    ]


def test_duplicate_keys():
    assert problems("arch: a\n" + HEADER + "  - op: none\n    pad: 0\n    op: none\n") == [
        "net.yaml:2: arch is given twice, first on line 1 [G1] (keep one)",
        "net.yaml:7 layers[0]: op is given twice, first on line 5 [G1] (keep one)",
    ]


def test_two_spellings_of_one_key():
    assert problems(description("{op: none, convolution: conv2d}")) == [
        "net.yaml:4 layers[0]: op and convolution mean the same [G4] (keep one)"
    ]


def test_all_problems_in_file_order():
    text = (
        "arch: 1\n"
        "layers:\n"
        "  - pad: one\n"
        "    flaten: true\n"
        "    pad: 2\n"
        "  - 7\n"
        "  - {calcx4: true, op: conv9}\n"
        "arch: b\n"
    )
    assert [line.partition(" must be one of")[0].partition(" [")[0] for line in problems(text)] == [
        "net.yaml:1: dataset missing",
        "net.yaml:4 layers[0]: unknown key 'flaten'",
        "net.yaml:5 layers[0]: pad is given twice, first on line 3",
        "net.yaml:6 layers[1]: a layer must be a mapping",
        "net.yaml:7 layers[2]: calcx4: True exists on MAX78002 only",
        "net.yaml:7 layers[2]: op: 'conv9'",
        "net.yaml:8: arch is given twice, first on line 1",
    ]


def test_the_exit_status_is_that_of_the_first_problem():
    with pytest.raises(ProblemList) as refusal:
        read_network(description("{groups: 4, pad: x}"), FILE)
    assert refusal.value.exit_code == UnsupportedError.exit_code


SMALLEST = "a network description is a mapping with arch, dataset and layers [G1] "
SMALLEST += "(see networks/README.md for the smallest example)"


# fmt: off
MALFORMED = [
    # text                                the only message
    ("",                                  f"net.yaml:1: {SMALLEST}"),
    ("# nothing\n",                       f"net.yaml:1: {SMALLEST}"),
    ("- arch: a\n- dataset: b\n",         f"net.yaml:1: {SMALLEST}"),
    ("arch",                              f"net.yaml:1: {SMALLEST}"),
    ("{}",                                "net.yaml:1: arch, dataset, layers missing [G2] "
                                          "(give arch, dataset and layers)"),
    ("arch: a\ndataset: b\nlayers: []",   "net.yaml:3: layers must be a list of layers [G2]"),
    (HEADER + "  op: none\n",             "net.yaml:4: layers must be a list of layers [G2]"),
    (HEADER + "  - {op: none\n",          "net.yaml:5: not valid YAML: did not find expected "
                                          "',' or '}' [G1]"),
    (HEADER + "\t- op: none\n",           "net.yaml:4: not valid YAML: found character that "
                                          "cannot start any token [G1]"),
    (HEADER + "  - name: 'a\n",           "net.yaml:5: not valid YAML: found unexpected end "
                                          "of stream [G1]"),
    (HEADER + "  - name: a\x07\n",        "net.yaml:4: not valid YAML: character 0x07 is not "
                                          "allowed [G1]"),
    (HEADER + "  - {name: *x}\n",         "net.yaml:4: not valid YAML: found undefined alias "
                                          "[G1]"),
    (HEADER + "  - {}\n---\narch: b\n",   "net.yaml:5: not valid YAML: but found another "
                                          "document [G1]"),
    ("[" * 100_000,                       "net.yaml:1: more than 16 lists and mappings inside "
                                          "each other [G1] (close the brackets of this line)"),
    (HEADER + "  - &a {name: *a}\n",      "net.yaml:4: alias *a inside a list or mapping that "
                                          "has an anchor itself [G1] (write the value out)"),
    ("a: &a [x, x]\nb: &b [*a, *a]\n",    "net.yaml:2: alias *a inside a list or mapping that "
                                          "has an anchor itself [G1] (write the value out)"),
]
# fmt: on


@pytest.mark.parametrize(("text", "message"), MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_files(text, message):
    assert problems(text) == [message]


def test_anchors_of_plain_values_are_fine():
    layers = read_network(description("{in_dim: &d [4, 5]}\n{in_dim: *d}"), FILE).layers
    assert [layer.in_dim for layer in layers] == [(4, 5), (4, 5)]


def test_tags_run_nothing(tmp_path):
    marker = tmp_path / "marker"
    for tag in ("object/apply:os.system", "object/new:os.system", "name:os.system"):
        entry = f'{{name: !!python/{tag} ["touch {marker}"]}}'
        assert problems(description(entry))[0].endswith("must be a word [G22]")
    assert not marker.exists()


def test_an_unload_list():
    text = (
        description("{op: none}")
        + "unload:\n  - {processors: 0xf0, channels: 4, dim: 9, offset: 8}\n"
    )
    (entry,) = read_network(text, FILE).unload
    assert (entry.processors, entry.channels, entry.dim, entry.offset) == (0xF0, 4, (9, 1), 8)
    assert (entry.width, entry.write_gap, entry.line) == (8, 0, 6)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("unload: 3", "net.yaml:5: unload must be a list [G22]"),
        ("unload: [3]", "net.yaml:5 unload[0]: must be a mapping [G22]"),
        ("unload: [{processors: 1}]",
         "net.yaml:5 unload[0]: channels, dim, offset missing [G22] (give all of them)"),
        ("unload: [{processors: 1, channels: 1, dim: 1, offset: 0, witdh: 8}]",
         "net.yaml:5 unload[0]: unknown key 'witdh' [G3] (did you mean 'width'?)"),
        ("unload: [{processors: 1, channels: 1, dim: 1, offset: 0, width: 16}]",
         "net.yaml:5 unload[0]: width: 16 must be one of 8, 32 [G22]"),
    ],
)  # fmt: skip
def test_bad_unload_lists(section, message):
    assert problems(description("{op: none}") + section + "\n") == [message]


def test_every_prefix_of_a_file_is_read_or_refused():
    text = description('{name: a, op: conv2d, kernel_size: "3x3", processors: 0x1.0001}\n{pad: 0}')
    for length in range(len(text)):
        try:
            read_network(text[:length], FILE)
        except ToolError as error:
            assert str(error).startswith("net.yaml:")  # noqa: PT017 - most prefixes, not all


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NODES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4)


@pytest.mark.long
@given(key=st.sampled_from(sorted({*LAYER_KEYS, *OTHER_CHIP_KEYS})), value=NODES)
def test_any_value_of_any_key_is_read_or_refused(key, value):
    text = yaml.safe_dump({"arch": "a", "dataset": "b", "layers": [{key: value}]})
    with contextlib.suppress(InputError, UnsupportedError, ProblemList):
        read_network(text, FILE)
