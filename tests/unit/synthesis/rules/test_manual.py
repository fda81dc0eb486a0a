"""The manual: complete, current, and true of the rules that are no checks of a graph."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from max78000.errors import InputError, ToolError
from max78000.facts.chip import MAX78000
from networks import Net, compile_net, description
from synthesis.read.yaml_reader import read_network
from synthesis.rules.manual import (
    CHECKS,
    EARLY,
    NOTES,
    SECTIONS,
    allowed_rules,
    explain,
    manual_page,
)

PAGE = Path(__file__).resolve().parents[4] / "docs" / "rules.md"
# The vendor's rules for descriptions, and what was added here.
TABLES = {"G": 25, "P": 15, "D": 14, "C": 24, "L": 10, "E": 8, "F": 7, "S": 15, "O": 8}
ADDED = {
    "G16a",
    "G26",
    "G27",
    "G28",
    "E6a",
    "E6b",
    "S8a",
    "S16",
    "S17",
    "L11",
    "O9",
    "O10",
    "O11",
    "O12",
}
W = "4x2x3x3"

# fmt: off
REFUSED = [
    # rule,  network that is refused before it is a graph, or while it becomes one
    ("G5",  Net("{op: none}\n" * 33)),
    ("G6",  Net("{sequence: 1}\n{sequence: 1}", f"{W} 4x4x3x3")),
    ("G7",  Net("{name: A}\n{name: a}", f"{W} 4x4x3x3")),
    ("G7",  Net("{name: stop}", W)),
    ("G8",  Net("{}\n{in_sequences: nobody}", f"{W} 4x4x3x3")),
    ("G9",  Net("{in_sequences: 1}\n{}", f"{W} 4x4x3x3")),
    ("G10", Net("{next_sequence: 2}\n{}\n{}", f"{W} 4x4x3x3 4x4x3x3")),
    ("G11", Net("{}\n{}", W)),
    ("G13", Net("{output: true}\n{in_sequences: input}\n{op: add, in_sequences: [0, 1]}",
                f"{W} 5x2x3x3")),
    ("G14", Net("{}\n{in_dim: [7, 6]}", f"{W} 4x4x3x3")),
    ("G16", Net("{op: conv1d, kernel_size: 3}", "4x2x3")),
    ("G18", Net("{groups: 2}", W)),
    ("G20", Net("{buffer_shift: 1, op: none}")),
    ("P1",  Net("{}\n{in_sequences: input}\n{in_sequences: [0, 1]}",
                "60x2x3x3 20x2x3x3 4x80x3x3")),
    ("D3",  Net("{max_pool: 7, pool_stride: 7}", W)),
    ("C9",  Net("{kernel_size: 1x1, pad: 0}", W)),
    ("C21", Net("{op: linear, kernel_size: 1x1}", "4x2")),
    ("C24", Net("{op: none, output_shift: 1}")),
    ("L10", Net("{max_pool: 2, avg_pool: 2, pool_stride: 2}", W)),
    ("E1",  Net("{operands: 2}", W)),
    # what a note says another rule sees to: `note > rule`
    ("G15 > G14", Net("{}\n{in_sequences: [0, 0], in_dim: [5, 6], processors: 0xf}",
                      f"{W} 4x4x3x3")),
    ("P14 > G18", Net("{conv_groups: 3}", W)),
    ("C8 > G18",  Net("{conv_groups: 2}", W)),
    ("D10 > P4",  Net("{op: none}", "", "1025x1x1")),
    ("D14 > D5",  Net("{}", W, "2x91x91")),
    ("C16 > C14", Net("{}", "513x2x3x3", bias=1)),
    ("C19 > G22", Net("{pad: [1, 0]}", W)),
    ("C20 > P4",  Net("{op: linear}", "1025x2", "2x1x1")),
    ("C20 > F2",  Net("{op: linear, flatten: true}", "1x16640", "65x16x16")),
    ("L3 > G18",  Net("{max_pool: 2, pool_stride: 2, pool_dilation: 2}", W)),
    ("L5 > G18",  Net("{pool_dilation: 2}", W)),
    ("L7 > F4",   Net("{op: linear, flatten: true, max_pool: 2, pool_stride: 2}", "3x18")),
    ("E2 > G22",  Net("{eltwise: mul}", W)),
    ("F7 > P2",   Net("{op: none}\n{op: linear, flatten: true}", "3x71")),
    ("F7 > G24",  Net("{op: linear, flatten: true}", "3x71")),
]
TEXTS = [
    # rule, text of a description
    ("G1",  "arch: [\n"),
    ("G1",  "arch: a\narch: b\n"),
    ("G2",  "arch: a\ndataset: b\n"),
    ("G3",  description("{padd: 1}")),
    ("G4",  description("{op: none, operation: none}")),
    ("G18", "snoop: []\n" + description("{op: none}")),
    ("G21", description("{op: none}") + "data_buffer:\n" + 2 * (
            "  - {name: a, processors: 1, channels: 1, dim: 4, offset: 0}\n")),
    ("G22", description("{pad: one}")),
]
# fmt: on
# Refused where files, checkpoints and options are read; their tests are where those are tested.


def rules_of(refusal):
    problems = getattr(refusal, "problems", (refusal,))
    assert all(problem.where and problem.why for problem in problems)
    return {problem.rule for problem in problems}


def entry(rule, chip=MAX78000):
    return explain(rule, chip)


def order(rule):
    letter, number, suffix = re.fullmatch(r"([A-Z])(\d+)([a-z]?)", rule).groups()
    return letter, int(number), suffix


def test_every_rule_of_the_tables_is_known():
    known = [*CHECKS, *EARLY, *NOTES]
    tables = {f"{letter}{i + 1}" for letter, n in TABLES.items() for i in range(n)}
    assert set(known) == tables | ADDED
    assert len(known) == len(set(known))


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == manual_page(MAX78000) + "\n", (
        "run: synthesize --explain all > docs/rules.md"
    )


def test_the_page_has_a_row_for_every_rule():
    row = re.compile(r"^\| ([A-Z]\d+[a-z]?) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
    rows = row.findall(manual_page(MAX78000))
    found = [rule for rule, _, _ in rows]
    assert set(found) == {*CHECKS, *EARLY, *NOTES}
    letters = list(SECTIONS)
    assert found == sorted(found, key=lambda rule: (letters.index(rule[0]), order(rule)))
    assert all(text.endswith(".") for _, _, text in rows)
    kinds = {re.sub(r", can be allowed$", "", kind) for _, kind, _ in rows}
    assert kinds == {"exit 2", "exit 3", "exit 4", "warning", "note"}


def test_entries():
    assert entry("f6") == "F6 (warning)\n\nFlattening one pixel changes nothing."
    assert entry("C21").startswith("C21 (exit status 2)\n\n`kernel_size` is not given for")
    assert entry("D9").startswith("D9 (exit status 2; --allow D9 makes it a warning)\n\n")
    assert entry("L7") == "L7 (note)\n\nRefused as F4."
    assert entry("ALL") == manual_page(MAX78000)


# fmt: off
NUMBERS = [
    # rule, what is different in another chip, what the manual then says
    ("P4",  {"max_channels": 640},        "640 input and 640 output channels: 10 passes of 64"),
    ("C2",  {"max_taps": 7},              "Conv1d kernels have 1 to 7 taps."),
    ("D1",  {"max_size": 4096},           "fit 12-bit counters"),
    ("D5",  {"data_instance_bytes": 1 << 14}, "inside the 16 KiB of a data memory instance"),
    ("D11", {"max_write_step": 8},        "is at most 8, for pass-through layers write_gap 7."),
    ("D12", {"tram_words": 2048},         "2,048 entries in each processor."),
    ("S3",  {"max_streaming": 4},         "At most four layers stream: there are four sets"),
    ("G5",  {"n_layers": 128},            "There are at most 128 layers"),
    ("C20", {"max_flat": 64},             "or 4,096 inputs when flattened."),
]
# fmt: on


@pytest.mark.parametrize(("rule", "changes", "text"), NUMBERS, ids=lambda value: str(value)[:9])
def test_numbers_are_those_of_the_chip(rule, changes, text):
    assert text in entry(rule, replace(MAX78000, **changes))


def test_no_text_has_a_place_left_open():
    assert not re.search(r"[{}]", manual_page(MAX78000))


@pytest.mark.parametrize("note", sorted(NOTES, key=order))
def test_notes_name_only_rules_there_are(note):
    named = set(re.findall(r"\b[A-Z]\d+[a-z]?\b", NOTES[note]))
    assert named <= {*CHECKS, *EARLY, *NOTES}
    assert note not in named
    assert NOTES[note].endswith(".")


@pytest.mark.parametrize("rule", ["G1", "C1", "L9"])
def test_only_some_checks_can_be_allowed(rule):
    with pytest.raises(InputError, match=f"rule {rule} cannot be allowed") as refusal:
        allowed_rules([rule])
    possible = refusal.value.fix.removeprefix("possible are ").split(", ")
    assert allowed_rules(possible) == set(possible)
    assert set(possible) == {rule for rule, check in CHECKS.items() if check.can_be_allowed}


@pytest.mark.parametrize(("rule", "net"), REFUSED, ids=lambda value: str(value)[:9])
def test_early_refusals(rule, net):
    note, _, found = rule.rpartition(" > ")
    assert not note or found in NOTES[note] or NOTES[note].startswith("Cannot be written")
    with pytest.raises(ToolError) as refusal:
        compile_net(net)
    assert found in rules_of(refusal.value)


@pytest.mark.parametrize(("rule", "text"), TEXTS, ids=lambda value: value[:3])
def test_refusals_of_the_reader(rule, text):
    with pytest.raises(ToolError) as refusal:
        read_network(text, "net.yaml")
    assert rule in rules_of(refusal.value)


# Refusals of files and options: the tests of these readers, and of the command line.
ELSEWHERE = {
    "C13",
    "G12",
    "G25",
    "G26",
    "L11",
    "O1",
    "O2",
    "O3",
    "O4",
    "O5",
    "O6",
    "O7",
    "O9",
    "O10",
    "O11",
    "O12",
}


def test_every_early_refusal_is_tested():
    here = {rule.rpartition(" > ")[2] for rule, _ in (*REFUSED, *TEXTS)}
    assert set(EARLY) - here == ELSEWHERE
