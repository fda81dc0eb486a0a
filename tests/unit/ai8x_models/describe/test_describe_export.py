"""Random networks through `torch.onnx.export` are described as they are without it.

By both of its exporters. Names are compared where a file has them: the exporter that follows
torch.export writes the modules of a model of modules beside its operators; all else goes by number.
"""

import importlib.util
import logging
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from plain_styles import Branches
from random_plain import plain_networks
from torch import nn

from ai8x_models.describe.convert import Converted, network_of
from ai8x_models.describe.describe import describe, describe_network
from ai8x_models.describe.onnx_reader import read_onnx_model
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import start_qat
from max78000.errors import InternalError, ProblemList, ToolError

HINT = "torch's exporter needs onnxscript: pip install 'max78000-toolchain[train]'"
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("onnxscript") is None, reason=HINT),
    pytest.mark.usefixtures("_operators_read_once"),
]


def has_twins(tree):
    """True if both ways of a join begin alike: exporters compute that once, a model twice."""
    joins = [one for one in tree if isinstance(one, Branches)]
    return any(
        has_twins(one.left)
        or has_twins(one.right)
        or {*map(str, one.left)} & {*map(str, one.right)}
        for one in joins
    )


def export(model, examples, path, is_dynamo):
    """False if torch's exporter cannot."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, (examples[:1],), path, dynamo=is_dynamo, verbose=False)
    except torch.onnx.errors.OnnxExporterError:
        return False
    finally:
        logging.disable(logging.NOTSET)
    return True


def numbered(description):
    """A description whose layers and steps are called by their numbers."""
    entries = (*description.layers, *description.finish)
    new = {one.name: f"entry{place}" for place, one in enumerate(entries)} | {"input": "input"}
    layers = [
        replace(
            one,
            name=new[one.name],
            sources=tuple(new[source] for source in one.sources),
            weight_source=new.get(one.weight_source),
        )
        for one in description.layers
    ]
    finish = [
        replace(one, name=new[one.name], inputs=tuple(new[source] for source in one.inputs))
        for one in description.finish
    ]
    return replace(description, layers=tuple(layers), finish=tuple(finish), rewrites=())


def fate(model, shape):
    """The description, rewrites without places, and weights; or the refusals."""
    try:
        network = network_of(model, shape)
        description = describe_network(network, model, "net")
    except InternalError:
        raise
    except ToolError as error:
        problems = error.problems if isinstance(error, ProblemList) else (error,)
        return {one.why for one in problems}, []
    rewrites = [replace(one, where="") for one in network.rewrites]
    layered = Converted(network)
    start_qat(layered, QatPolicy(0))  # which folds batch norm, as some exporters do
    # Exporters leave out biases that are 0.
    weights = [one for name, one in layered.state_dict().items() if ".op." in name and one.any()]
    return (numbered(description).to_text(), rewrites), weights


def check_alike(plain, folder, is_dynamo):
    """One description, or one refusal."""
    assume(plain.tree and not has_twins(plain.tree))
    model, path = plain.model("functional"), folder / "net.onnx"
    assume(export(model, plain.examples, path, is_dynamo))
    found, weights = fate(read_onnx_model(path), plain.shape)
    wanted, wanted_weights = fate(model, plain.shape)
    assert found == wanted
    torch.testing.assert_close(weights, wanted_weights, rtol=1e-5, atol=1e-6)


def examples(n):
    phases, checks = [Phase.generate], list(HealthCheck)  # not made smaller: that takes minutes
    return settings(
        max_examples=n, derandomize=True, deadline=None, phases=phases, suppress_health_check=checks
    )


@pytest.mark.long
@given(plain=plain_networks())
@examples(30)
def test_networks_through_torchscript_are_described_alike(plain, tmp_path_factory):
    check_alike(plain, tmp_path_factory.getbasetemp(), is_dynamo=False)


@pytest.mark.long
@given(plain=plain_networks())
@examples(5)
def test_networks_through_torch_export_are_described_alike(plain, tmp_path_factory):
    check_alike(plain, tmp_path_factory.getbasetemp(), is_dynamo=True)


@pytest.mark.slow
@given(plain=plain_networks())
@examples(1000)
def test_many_more_through_torchscript(plain, tmp_path_factory):
    check_alike(plain, tmp_path_factory.getbasetemp(), is_dynamo=False)


@pytest.mark.slow
@given(plain=plain_networks())
@examples(100)
def test_many_more_through_torch_export(plain, tmp_path_factory):
    check_alike(plain, tmp_path_factory.getbasetemp(), is_dynamo=True)


class Named(nn.Module):
    """Modules in modules, and a function between them."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(36, 5))

    def forward(self, x):
        return self.head(torch.abs(self.features(x)) + 0.25).softmax(1)


@pytest.mark.long
def test_layers_are_called_as_in_the_model(tmp_path):
    torch.manual_seed(1)
    model, shape = Named().eval(), (3, 8, 8)
    assert export(model, torch.rand(1, *shape), tmp_path / "net.onnx", is_dynamo=True)
    read = read_onnx_model(tmp_path / "net.onnx")
    wanted, found = (describe(one, shape, "Named") for one in (model, read))
    assert "features_0" in wanted.to_text()
    assert replace(found, rewrites=()).to_text() == replace(wanted, rewrites=()).to_text()
    # The line of the model, whose file is this one.
    places = [description.rewrites[0].partition(": ")[0] for description in (wanted, found)]
    (_, model_line), (_, _, _, file_line) = (place.split() for place in places)
    assert file_line == model_line
    assert file_line.startswith("test_describe_export.py:")
