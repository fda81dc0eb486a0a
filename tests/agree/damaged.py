"""What a refusal is: one line a problem, exit 2, two seconds of the processor, 200 MB."""

from measured import measured

MOST_CPU_S, MOST_KB = 2, 200 << 10


def refused(*words, folder):
    """The lines in which one of the tools refuses what it is given, all within the limits."""
    ended = measured(*words, folder=folder)
    assert ended.status == 2, ended.said
    assert "defect" not in ended.said
    assert "Traceback" not in ended.said
    assert not ended.out
    assert ended.cpu_s < MOST_CPU_S
    assert ended.peak_kb < MOST_KB
    problems = ended.said.strip().splitlines()
    assert problems
    return problems
