"""The vendor generator's programs as witness: ours are equal word for word, refusals agree.

Runs where the folder of recorded programs lies beside the checkout; elsewhere the golden programs
in `tests/golden` hold the compiler.
"""

import gzip
import json
from pathlib import Path

import pytest

from max78000.chip import MAX78000
from max78000.errors import ToolError
from max78000.program import Copy, Fifo, KernelBlock, Write
from max78000.regmap import describe_addr, fifo_data_addr
from synthesis.checkpoint import read_checkpoint
from synthesis.compile import Source, compile_network
from synthesis.generate.program import Options
from synthesis.sample import read_sample
from synthesis.yaml_reader import read_network

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vectors"
CASES = sorted(path.parent for path in FOLDER.rglob("expected.json.gz"))
N_CASES = 306  # what the folder holds, if it is there

pytestmark = pytest.mark.slow


def expected_of(case):
    with gzip.open(case / "expected.json.gz", "rt") as file:
        return json.load(file)


def compiled(case, flags):
    source = Source(
        read_network((case / "network.yaml").read_text(), case.name),
        read_checkpoint(case / "checkpoint.pth.tar"),
        read_sample(case / "sample.npy"),
        uses_fifo="--fifo" in flags,
    )
    limit = int(flags[flags.index("--max-checklines") + 1]) if "--max-checklines" in flags else None
    options = Options(case.name, "--avg-pool-rounding" in flags, limit)
    allowed = frozenset({"D7"} if "--overlap-data" in flags else ())
    return compile_network(source, options, MAX78000, allowed)


def state_of(program):
    """What the program leaves in registers and memories: address -> word, and streams in order."""
    words, kernels = {}, {}
    for phase in program.phases:
        for operation in phase.operations:
            if phase.name == "start":
                continue
            if isinstance(operation, Write):
                words[operation.addr] = operation.value
            elif isinstance(operation, KernelBlock):
                kernels[operation.addr] = list(operation.words)
            elif isinstance(operation, Copy):
                words |= {operation.addr + 4 * i: word for i, word in enumerate(operation.words)}
    return words, kernels


def fifo_words(program):
    feeds = [op for op in program.phase("load_input").operations if isinstance(op, Fifo)]
    return [
        [fifo_data_addr(MAX78000, feed.fifo_index), word]
        for words in zip(*(feed.words for feed in feeds), strict=True)
        for feed, word in zip(feeds, words, strict=True)
    ]


def differences(program, expected):
    state = expected["state"]
    wanted = {
        int(addr, 16): word
        for part in ("reg", "aon", "bias", "data")
        for addr, word in state[part].items()
    }
    fifo = [list(entry) for entry in state["fifo"]]
    if fifo:  # the first entry is the FIFO control register
        wanted[fifo[0][0]] = fifo[0][1]
    words, kernels = state_of(program)
    for addr in sorted(set(wanted) | set(words)):
        if wanted.get(addr, 0) != words.get(addr, 0):
            place = describe_addr(MAX78000, addr)
            yield f"{place}: {words.get(addr, 0):#010x}, wanted {wanted.get(addr, 0):#010x}"
    wanted_kernels = {addr: stream for addr, stream in state["kernel"] if stream}
    if wanted_kernels != kernels:
        yield "weights"
    if fifo[1:] != fifo_words(program):
        yield "FIFO words"
    start = [[op.addr, op.value] for op in program.phase("start").operations]
    if [list(entry) for entry in state["start"]] != start:
        yield "start sequence"
    if known_answer(expected["sample_output"]) != known_answer(
        (block.addr, block.mask, block.words) for block in program.known_answer
    ):
        yield "known answer"
    if program.cycles.total != expected["cycles"]["total"]:
        yield f"cycles {program.cycles.total}, wanted {expected['cycles']['total']}"


def known_answer(blocks):
    return {
        addr + 4 * i: (mask, word & mask)
        for addr, mask, words in blocks
        for i, word in enumerate(words)
    }


@pytest.mark.skipif(not CASES, reason="the recorded programs are not beside this checkout")
def test_all_cases_are_there():
    assert len(CASES) == N_CASES


def program_or_refusal(case, flags):
    try:
        return compiled(case, flags).program, None
    except ToolError as refusal:
        return None, refusal


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case):
    expected = expected_of(case)
    program, refusal = program_or_refusal(case, expected.get("flags", []))
    if refusal is not None:
        assert "reject" in expected or "unreachable" in expected, str(refusal)
        assert 2 <= refusal.exit_code <= 4
        assert "[" in str(refusal), "a refusal names its rule"
        return
    assert "reject" not in expected, expected["reject"]
    assert list(differences(program, expected)) == []
