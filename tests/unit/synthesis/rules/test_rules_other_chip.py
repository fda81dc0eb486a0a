"""A smaller chip: rules refuse what it cannot do, and layers are placed on what it has."""

from dataclasses import replace

import pytest

from max78000.facts.chip import MAX78000
from networks import Net, graph_of
from synthesis.lower.hardware import Passes
from synthesis.place.fifo import fed_processors
from synthesis.place.place import place
from synthesis.place.processors import passed_map
from synthesis.read.description import DataFormat
from synthesis.read.source import InputPath
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import apply_rules
from synthesis.rules.stream_rules import STREAM_RULES

HALF = replace(MAX78000, n_quadrants=2)
W = "4x2x3x3"
STREAM = Net("{streaming: true}\n{streaming: true}", f"{W} 4x4x3x3", input_path=InputPath.FIFO)

# fmt: off
CASES = [
    # rule, what is smaller,             network,                 the message's numbers
    ("P4",  {"max_channels": 3},         Net("{}", W),            "channels, the chip has 3"),
    ("D1",  {"max_size": 7},             Net("{}", W),            "with padding 1 need 8 of 7"),
    ("D2",  {"frame_limit": 36},         Net("{}", W),            "36 of 35 input words"),
    ("D12", {"tram_words": 5},           Net("{}", W),            "need 6 of 5 row buffer entries"),
    ("C2",  {"max_taps": 2},             Net("{op: conv1d, kernel_size: 3}", "4x2x3", "2x20"),
                                                                  "Conv1d has no 3-tap kernel"),
    ("C5",  {"max_pad": 1},              Net("{pad: 2}", W),      "pad 2 with a kernel of 3"),
    ("C23", {"bias_limit": 8},           Net("{}", W, bias=8),    "the memory holds -8..7"),
    ("L1",  {"max_pool": 2},             Net("{max_pool: 3, pool_stride: 2}", W), "limit 2"),
    ("F1",  {"max_flat": 35},            Net("{op: linear, flatten: true}", "3x72"),
                                                                  "flattens 36 pixels of 35"),
    ("D5",  {"data_instance_bytes": 128}, Net("{}", W),           "an instance has 128"),
    ("D11", {"max_write_step": 1},       Net("{write_gap: 1}", W), "write step 2, limit 1"),
    ("C12", {"kernel_words": 3},         Net("{}", W),            "of 3 kernel words"),
    ("C14", {"bias_bytes_per_quadrant": 3}, Net("{}", W, bias=1), "need 4 bytes of 3"),
    ("C22", {"mask_limit": 24},          Net("{}", W),            "kernel position 24, limit 23"),
    ("S3",  {"max_streaming": 1},        STREAM,                  "2 streaming layers of 1"),
    ("S10", {"stream_passes_limit": 1},  STREAM,                  "1 passes in the streaming"),
    ("S12", {"stream_start_limit": 4},   STREAM,                  "limit 3"),
]
# fmt: on


def messages(net, chip):
    graph = graph_of(net)
    rules = (*PLACEMENT_RULES, *STREAM_RULES)
    found = apply_rules(GRAPH_RULES, graph, chip, frozenset()).errors
    found += apply_rules(rules, place(graph, chip), chip, frozenset()).errors
    return {error.rule: str(error) for error in found}


@pytest.mark.parametrize(("rule", "changes", "net", "text"), CASES, ids=[case[0] for case in CASES])
def test_limits_are_those_of_the_chip(rule, changes, net, text):
    assert rule not in messages(net, MAX78000)
    assert text in messages(net, replace(MAX78000, **changes))[rule]


def test_channels_are_dealt_out_to_the_processors_there_are():
    net = Net("{kernel_size: 1x1, pad: 0}", "40x40x1x1", "40x6x6")
    (placed,) = place(graph_of(net), HALF).layers
    assert placed.in_passes == placed.out_passes == Passes(2, 20)
    assert placed.processors == (1 << 20) - 1
    assert Passes.of(40, MAX78000) == Passes(1, 40)


def test_maps_end_with_the_last_quadrant():
    assert passed_map(0x6_0006, HALF) == 0x3_0003
    assert fed_processors(DataFormat.HWC, HALF) == 0xF_000F
    assert fed_processors(DataFormat.CHW, HALF) == 0x1_0001
