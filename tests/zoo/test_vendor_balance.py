"""How full the fullest processor is, and how quick, where the vendor placed its networks by hand.

The vendor's descriptions of these are not among the vectors, only the figures are known: kernel
words of the fullest processor, and cycles. Those whose descriptions are there are held in
`tests/vectors/test_vectors_unplaced.py`.
"""

import re

import pytest
import torch
from vendor_table import FOLDER, compiled, module_of, shape_of

from ai8x_models.checkpoint import save_checkpoint
from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import describe_network
from ai8x_models.describe.integers import integer_checkpoint, integer_state
from ai8x_models.layers.policy import QatPolicy
from max78000.errors import ToolError

WORDS_BY_HAND = {
    "ai85net-faceid.py": 313,
    "ai85net-cd.py": 159,
    "ai85net-simplenet-wide2x.py": 1284,  # of 768, in 8 bits: it is trained with fewer
}
CYCLES_BY_HAND = {"ai85net-res-simplenet.py": 144_043}
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the files in shared/vendor/models"),
]


def compiled_file(name, folder):
    """The first model of a file, untrained; placed by us alone."""
    module = module_of(FOLDER / name)
    entry = module.models[0]
    torch.manual_seed(0)
    model = getattr(module, entry["name"])(pretrained=False).eval()
    network = network_of(model, shape_of(type(model), entry["dim"]))
    description = describe_network(network, model)
    state = integer_state(network, model, QatPolicy(0))
    save_checkpoint(folder / "net-q.pth.tar", integer_checkpoint(description.arch, state))
    return compiled(folder, description)


@pytest.mark.parametrize("name", WORDS_BY_HAND)
def test_kernel_memories_are_at_least_as_even_as_by_hand(name, tmp_path):
    try:
        used = compiled_file(name, tmp_path).stages.placement.kernels.is_used
        fullest = int(used.sum(axis=1).max())
    except ToolError as error:
        fullest = int(re.search(r"needs ([0-9]+) of 768 kernel words", str(error))[1])
    assert fullest <= WORDS_BY_HAND[name]


@pytest.mark.parametrize("name", CYCLES_BY_HAND)
def test_a_network_is_no_slower_than_by_hand(name, tmp_path):
    found = compiled_file(name, tmp_path).program.cycles.total
    assert found <= CYCLES_BY_HAND[name]
