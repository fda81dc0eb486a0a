"""Every surface takes damaged inputs for a moment, and all that were findings once.

For longer: `make fuzz SECONDS=600`. What a finding is: `run.py`.
"""

import pytest
from fuzz.run import fuzz
from fuzz.seeds import found_earlier
from fuzz.targets import TARGETS
from fuzz.tell import is_refusal

SECONDS, INPUTS = 5, 400


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_former_findings_are_refused(name, tmp_path):
    for data in found_earlier(name):
        try:
            TARGETS[name].take(data, tmp_path)
        except Exception as error:
            if not is_refusal(error):
                raise


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_are_refused(name):
    tally = fuzz(name, 1, SECONDS, INPUTS)
    assert tally.n_inputs
    assert not tally.found
