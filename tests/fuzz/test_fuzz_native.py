"""The C of the board, on this machine with sanitizers, takes damaged frames, formats and maps."""

import pytest
from fuzz.native import COUNTS, build, compiler, run

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(compiler() is None, reason="no compiler with sanitizers (apt install gcc)"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("surface", COUNTS)
def test_no_input_is_a_fault(program, surface):
    status, said = run(program, surface, COUNTS[surface] // 100, 1)
    assert status == 0, said
