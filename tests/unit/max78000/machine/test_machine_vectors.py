"""The machine against programs and answers of the vendor's generator, where they are at hand.

They are looked for in `shared/vectors` beside the checkout; without that folder there is nothing to
compare with. A case marked `unreachable` holds an answer that its own program cannot produce.
"""

import gzip
import json
from pathlib import Path

import pytest
from hand_made import CHIP

from max78000.machine import Machine, MachineFault
from max78000.machine.state import read_state

VECTORS = Path(__file__).resolve().parents[5] / "shared" / "vectors"
FILES = sorted(VECTORS.glob("*/*/expected.json.gz"))
CASES = [path for path in FILES if "reject" not in json.loads(gzip.decompress(path.read_bytes()))]

pytestmark = pytest.mark.long


@pytest.mark.skipif(not CASES, reason="no vectors beside the checkout")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_vector(path):
    expected = json.loads(gzip.decompress(path.read_bytes()))
    program = read_state(path, CHIP)
    machine = Machine()
    if "unreachable" in expected:
        try:
            machine.run(program)
        except MachineFault:
            return
        assert machine.check_known_answer(program) is not None
        return
    result = machine.run(program)
    mismatch = machine.check_known_answer(program)
    assert mismatch is None, str(mismatch)
    if expected["cycles"]:
        assert list(result.layer_cycles) == expected["cycles"]["layers"]
        assert result.cycles == expected["cycles"]["total"]
        assert result.is_estimate == expected["cycles"]["streaming_estimate"]
