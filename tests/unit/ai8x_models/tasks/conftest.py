"""The whole road of a small network of any task: trained, quantized, described, compiled."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from synthesis import compile_network


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Make a folder with a network, its data, `trained.pth.tar` and `q.pth.tar`."""

    def walk(network, recipe, draw):
        folder = tmp_path_factory.mktemp("road")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            Path("net.py").write_text(network)
            draw()
            threads = torch.get_num_threads()
            torch.set_num_threads(1)
            path = train(parse_recipe(recipe, "recipe.yaml"), Console(StringIO()))
            torch.set_num_threads(threads)
            path.rename("trained.pth.tar")
            quantize_checkpoint(Path("trained.pth.tar"), Path("q.pth.tar"))
        return folder

    return walk


@pytest.fixture
def equal_to_machine(ai8x):
    """Compile the network of the current folder, and ask the simulated accelerator."""

    def ask(shape, count=4):
        assert ai8x("describe", "net.py:Net", "--input", shape, "--out", "net.yaml")[0] == 0
        assert ai8x("sample", "q.pth.tar", "--out", "sample.npy")[0] == 0
        compile_network("net.yaml", "q.pth.tar", np.load("sample.npy")).write("project")
        arguments = ("evaluate", "q.pth.tar", "--machine", count, "--project", "project")
        status, out, err = ai8x(*arguments)
        wanted = f"simulated accelerator: equal to PyTorch on {count} of {count} examples\n"
        assert (status, err) == (0, "")
        assert out.endswith(wanted)

    return ask
