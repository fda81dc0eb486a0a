"""What changes would bring, against the same networks written by hand; what is left out."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from schemas import problems

from max78000.facts.chip import MAX78000
from networks import Net, report_of, source_of
from synthesis.report.change import change_of
from synthesis.report.report import to_json
from synthesis.report.variant_lines import UNCHANGED, variant_rows, ways
from synthesis.variants.changes import changes
from synthesis.variants.gains import CHOSEN, find_gains

pytestmark = pytest.mark.long  # dozens of compilers each

A, B, C = "{name: a, activate: ReLU}", "{name: b}", "{name: c, op: linear, flatten: true}"
POOL = "max_pool: 2, pool_stride: 2"
NET = Net(f"{A}\n{{name: b, {POOL}}}\n{C}", "24x3x3x3 8x24x3x3 5x128", "3x8x8", bias=1)
BY_HAND = {
    "pooling in a, not in b": replace(NET, layers=f"{{name: a, {POOL}}}\n{B}\n{C}"),
    "input folded by 2 to 12x4x4, no pooling in b": replace(
        NET, layers=f"{A}\n{B}\n{C}", weights="24x12x3x3 8x24x3x3 5x128", image="12x4x4"
    ),
    "input folded by 2 to 12x4x4": replace(
        NET, weights="24x12x3x3 8x24x3x3 5x32", image="12x4x4"
    ),
    "16 channels in a, not 24": replace(NET, weights="16x3x3x3 8x16x3x3 5x128"),
    "4-bit weights in c": replace(
        NET, layers=NET.layers.replace("flatten", "quantization: 4, flatten"), bits=4
    ),
}  # fmt: skip


def gains(net):
    return find_gains(source_of(net), report_of(net), MAX78000)


def titles(net):
    return [one.change for one in gains(net)]


@pytest.fixture(scope="module")
def found():
    return {one.change: one for one in gains(NET)}


@pytest.mark.parametrize("change", BY_HAND)
def test_a_change_brings_what_the_changed_network_takes(found, change):
    claimed, true = found[change].report, report_of(BY_HAND[change])
    assert claimed.cycles.layers == true.cycles.layers
    assert claimed.biases == true.biases
    assert claimed.data == true.data
    assert claimed.weights == true.weights
    assert claimed.answer_uj == pytest.approx(true.answer_uj)


def test_what_is_tried(found):
    narrower = {f"4-bit weights in {name}" for name in "abc"}
    assert set(found) == set(BY_HAND) | narrower


def test_the_quickest_comes_first(found):
    cycles = [one.report.cycles.total for one in found.values()]
    assert cycles == sorted(cycles)
    assert cycles[0] < report_of(NET).cycles.total


def test_how_to_make_each_is_said(found):
    assert found["pooling in a, not in b"].how == (
        "model and description: max_pool: 2, pool_stride: 2 in a, none in b"
    )
    assert found["input folded by 2 to 12x4x4, no pooling in b"].how == (
        "model: input folded by 2 more, no pooling in b; description: input_shape: [12, 4, 4]"
    )
    assert found["16 channels in a, not 24"].how == "model: 16 output channels in a"
    assert found["4-bit weights in c"].how == (
        "recipe: qat.overrides {w2: 4}; description: quantization: 4 in c"
    )


def test_answers_keep_their_shape(found):
    assert {one.report.layers[-1].output for one in found.values()} == {"5x1x1"}


STRAIGHT = Net(
    f"{{name: a}}\n{{name: b, {POOL}}}\n{{name: c, op: linear, flatten: true}}",
    "4x3x3x3 4x4x3x3 5x64", "3x8x8",
)  # fmt: skip
BRANCHED = Net(
    f"{{name: a}}\n{{name: b, output: true, {POOL}}}\n"
    "{name: c, op: linear, flatten: true, in_sequences: a}",
    "4x3x3x3 4x4x3x3 5x256", "3x8x8",
)  # fmt: skip


def test_pooling_stays_behind_what_another_branch_reads():
    assert "pooling in a, not in b" in titles(STRAIGHT)
    assert not [one for one in titles(BRANCHED) if one.startswith("pooling")]


def test_tensors_that_are_added_change_together():
    net = Net(
        "{name: a}\n{name: b}\n{op: add, in_sequences: [a, b], name: both}\n{name: last}",
        "32x2x3x3 32x32x3x3 4x32x3x3",
    )
    assert [one for one in titles(net) if "channels" in one] == ["16 channels in a, b, not 32"]


def test_the_network_s_own_input_keeps_its_channels():
    net = Net("{name: a}\n{op: add, in_sequences: [input, a]}\n{name: b}", "24x24x3x3 4x24x3x3",
              "24x4x4")  # fmt: skip
    assert not [one for one in titles(net) if "channels" in one]


def test_beyond_64_channels_passes_are_saved():
    net = Net("{name: a}\n{name: b}", "200x4x3x3 4x200x3x3", "4x4x4")
    assert [one for one in titles(net) if "channels" in one] == [
        "64 channels in a, not 200", "192 channels in a, not 200",
    ]  # fmt: skip


def test_a_layer_that_shares_its_weights_follows():
    net = Net("{name: a}\n{name: b, weight_source: a}\n{name: c}", "4x4x3x3 4x4x3x3", "4x8x8")
    assert [one for one in titles(net) if "bit" in one] == [
        "4-bit weights in a", "4-bit weights in c",
    ]  # fmt: skip


def test_given_places_are_left_out_where_they_are_in_the_way():
    net = Net(
        "{name: a, processors: 0x3, output_processors: 0xffffff}\n{name: b}",
        "24x2x3x3 4x24x3x3",
    )
    found = {one.change: one.how for one in gains(net)}
    assert found["16 channels in a, not 24"] == "model: 16 output channels in a" + CHOSEN
    assert not found["4-bit weights in a"].endswith(CHOSEN)


def test_sizes_that_the_description_repeats_are_no_hindrance():
    sizes = "in_channels: 24, in_dim: [8, 8]"
    net = replace(NET, layers=f"{A}\n{{name: b, {sizes}, {POOL}}}\n{C}")
    assert set(titles(net)) == {*BY_HAND, *(f"4-bit weights in {name}" for name in "abc")}


def test_what_does_not_fit_is_left_out():
    """Twelve layers of 64 x 64 kernels fill the kernel memory; folded, the first has four times."""
    layers = "\n".join(f"{{name: l{i}}}" for i in range(11)) + f"\n{{name: last, {POOL}}}"
    found = titles(Net(layers, "64x64x3x3 " * 12, "64x8x8"))
    assert "pooling in l10, not in last" in found
    assert not [one for one in found if "folded" in one]


def test_pooling_that_leaves_nothing_is_no_change():
    """Folded, 6 rows are 3, and pooling by 4 leaves none of them."""
    net = Net("{name: a}\n{name: b, max_pool: 4, pool_stride: 4}", "4x2x3x3 4x4x3x3", "2x6x40")
    folded = "input folded by 2 to 8x3x20"
    assert folded in [one.title for one in changes(source_of(net), MAX78000)]
    assert folded not in (found := titles(net))
    assert found


def test_entries_of_the_checkpoint_that_nobody_uses_are_no_hindrance():
    net = replace(STRAIGHT, weights=f"{STRAIGHT.weights} 7x7x3x3")
    assert titles(net) == titles(STRAIGHT)


def test_as_text(found):
    report = replace(report_of(NET), variants=tuple(found.values()))
    first, *rows = variant_rows(report)
    assert first[:3] == (UNCHANGED, f"{report.cycles.total:,}", "")
    assert [row[0] for row in rows] == list(found)
    assert rows[0][2] == change_of(report.variants[0].report.cycles.total, report.cycles.total)
    assert rows[0][2].startswith("-")
    assert {row[2] for row in rows if row[0].startswith("4-bit")} == {"+0.0 %"}
    assert next(ways(report.variants)).startswith(f"{rows[0][0]}: model")


def test_as_json(found):
    schema = json.loads(
        files("synthesis.report").joinpath("report.schema.json").read_text(encoding="utf-8")
    )
    assert "variants" not in json.loads(to_json(report_of(NET)))
    data = json.loads(to_json(replace(report_of(NET), variants=tuple(found.values()))))
    assert not list(problems(data, schema))
    assert [one["change"] for one in data["variants"]] == list(found)
    assert data["variants"][0]["cycles"] == next(iter(found.values())).report.cycles.total
    del data["variants"][0]["how"]
    assert list(problems(data, schema))
