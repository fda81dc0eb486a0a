"""The compiler against the vendor's generator: same files in, same program out.

The programs are looked for in `shared/vectors` beside the checkout. Without that folder only the
comparison itself is tested.
"""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.facts.regmap import describe_addr
from max78000.machine.state import read_state
from max78000.program.program import Copy, Fifo, KernelBlock, Phase, Write
from networks import Net, compile_net
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.sample import read_sample
from synthesis.read.source import InputPath, Source
from synthesis.read.yaml_reader import read_network

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vectors"
N_CASES = 306  # what the folder holds, if it is there
EXIT_CODES = (2, 3, 4)  # wrong input, too large, not possible


def read_expected(folder):
    content: dict[str, Any] = json.loads(
        gzip.decompress((folder / "expected.json.gz").read_bytes())
    )
    return content


CASES = {path.parent: read_expected(path.parent) for path in FOLDER.glob("*/*/expected.json.gz")}
ACCEPTED = sorted(folder for folder, expected in CASES.items() if "reject" not in expected)
REFUSED = sorted(folder for folder, expected in CASES.items() if "reject" in expected)


def source_of_case(folder):
    """What a case is compiled from, with the options that the vendor's generator was given."""
    flags = CASES[folder].get("flags", [])
    network = read_network((folder / "network.yaml").read_text(), f"{folder.name}/network.yaml")
    source = Source(
        network,
        read_checkpoint(folder / "checkpoint.pth.tar"),
        read_sample(folder / "sample.npy"),
        InputPath.FIFO if "--fifo" in flags else InputPath.MEMORY,
    )
    limit = "--max-checklines"
    options = ProgramOptions(
        folder.name,
        round_average="--avg-pool-rounding" in flags,
        max_checked_words=int(flags[flags.index(limit) + 1]) if limit in flags else None,
    )
    return source, options


def compile_case(folder):
    """Compile a case."""
    source, options = source_of_case(folder)
    flags = CASES[folder].get("flags", [])
    allowed = frozenset({"D7"} if "--overlap-data" in flags else set())
    return compile_source(source, options, MAX78000, allowed)


# -- comparison ------------------------------------------------------------------------------------


def facts_of(program):
    """What a program leaves everywhere, starts and expects: (kind, address or position) -> value.

    Registers and memories hold 0 where nothing was stored; kernels are compared run by run.
    """
    facts: dict[tuple[str, int], Any] = {}
    for phase in program.phases:
        for position, operation in enumerate(phase.operations):
            match operation:
                case Write(addr, value) if phase.name == "start":
                    facts["start", position] = (addr, value)
                case Write(addr, value):
                    facts["register", addr] = value
                case KernelBlock(addr, words):
                    facts["kernels", addr] = words
                case Copy(addr, words):
                    facts |= {("word", addr + 4 * i): word for i, word in enumerate(words)}
                case Fifo(index, words):
                    facts["fifo", index] = words
    facts = {key: value for key, value in facts.items() if value}
    for block in program.known_answer:
        for i, word in enumerate(block.words):
            facts["answer", block.addr + 4 * i] = (block.mask, word & block.mask)
    return facts


def differences(ours, wanted):
    """Places in which two programs differ, with both values."""
    mine, theirs = facts_of(ours), facts_of(wanted)
    return [
        f"{kind} {describe_addr(MAX78000, place) if place >= MAX78000.fifo_base else place}: "
        f"{mine.get((kind, place))}, wanted {theirs.get((kind, place))}"
        for kind, place in sorted(mine.keys() | theirs.keys())
        if mine.get((kind, place)) != theirs.get((kind, place))
    ]


@pytest.fixture(scope="module")
def small():
    """A program with stores of every kind but FIFO words."""
    net = Net("{op: conv2d, pad: 1}\n{op: linear, flatten: true}", "4x2x3x3 3x144", bias=5)
    return compile_net(net).program


def test_a_program_equals_itself(small):
    assert differences(small, small) == []
    assert len(facts_of(small)) > 50


@pytest.mark.parametrize("name", ["init", "load_weights", "load_bias", "configure", "load_input"])
def test_every_missing_store_is_seen(small, name):
    whole = small.phase(name)
    for left_out, operation in enumerate(whole.operations):
        rest = tuple(op for i, op in enumerate(whole.operations) if i != left_out)
        phases = tuple(Phase(name, rest) if phase is whole else phase for phase in small.phases)
        is_zero = isinstance(operation, Write) and operation.value == 0
        assert bool(differences(small, replace(small, phases=phases))) is not is_zero


def test_order_of_the_start_is_seen(small):
    start = small.phase("start")
    turned = Phase("start", start.operations[::-1])
    phases = tuple(turned if phase is start else phase for phase in small.phases)
    assert differences(small, replace(small, phases=phases))


def test_another_answer_is_seen(small):
    first, *rest = small.known_answer
    low_bit = first.mask & -first.mask
    words = (first.words[0] ^ low_bit, *first.words[1:])
    other = replace(small, known_answer=(replace(first, words=words), *rest))
    assert len(differences(small, other)) == 1


# -- vectors ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not CASES, reason="no vectors beside the checkout")
def test_all_cases_are_there():
    assert len(CASES) == N_CASES


@pytest.mark.skipif(not CASES, reason="no vectors beside the checkout")
@pytest.mark.parametrize("folder", ACCEPTED, ids=lambda folder: folder.name)
def test_program_is_the_vendors(folder):
    expected = CASES[folder]
    try:
        ours = compile_case(folder).program
    except ToolError:
        if "unreachable" not in expected:
            raise
        return  # its own program cannot produce its answer: a refusal is as right
    found = differences(ours, read_state(folder / "expected.json.gz", MAX78000))
    assert not found, f"{len(found)} differences, {found[0]}"
    assert ours.cycles is not None
    assert list(ours.cycles.layers) == expected["cycles"]["layers"]
    assert ours.cycles.total == expected["cycles"]["total"]


@pytest.mark.skipif(not CASES, reason="no vectors beside the checkout")
@pytest.mark.parametrize("folder", REFUSED, ids=lambda folder: folder.name)
def test_refused_by_a_rule(folder):
    with pytest.raises(ToolError) as refusal:
        compile_case(folder)
    assert refusal.value.exit_code in EXIT_CODES
    problems = getattr(refusal.value, "problems", (refusal.value,))
    assert all(problem.rule for problem in problems)
