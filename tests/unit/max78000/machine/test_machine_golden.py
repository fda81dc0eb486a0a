"""Small programs kept as files: they load, run, pass, and their format does not drift.

`make golden` rewrites them.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_made import CHIP, Case

from max78000.machine import Machine
from max78000.program.program import from_json, to_json

FOLDER = Path(__file__).resolve().parents[3] / "golden" / "machine"


def numbers(seed, *shape):
    return np.random.default_rng(seed).integers(-128, 128, shape)


CASES = {
    "pooled-convolution": Case(
        numbers(1, 1, 3, 6, 6),
        numbers(2, 6, 3, 3, 3) // 16,
        bits=4,
        bias=np.arange(-3, 3),
        pool=(2, 2),
        step=2,
        pad=(1, 1),
        activation="relu",
    ),
    "wide-transposed": Case(
        numbers(3, 1, 2, 3, 3), numbers(4, 3, 2, 3, 3), is_transposed=True, pad=(1, 1), is_wide=True
    ),
    "sum-of-three": Case(numbers(5, 3, 6, 2, 3), function="add", first_processor=4),
}


def program_of(name):
    return replace(CASES[name].program(), name=name)


@pytest.mark.parametrize("name", CASES)
def test_golden_program(name, request):
    path = FOLDER / f"{name}.json"
    text = to_json(program_of(name), CHIP)
    if request.config.getoption("--update-golden", default=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    stored = path.read_text(encoding="utf-8")
    assert stored == text
    program = from_json(stored, str(path))
    machine = Machine()
    machine.run(program)
    assert machine.check_known_answer(program) is None
    output = machine.read_output(program.outputs[0])
    assert np.array_equal(output, CASES[name].answer())
