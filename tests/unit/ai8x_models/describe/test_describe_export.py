"""Random networks through `torch.onnx.export` are described as they are without it."""

import logging
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from plain_styles import Branches
from random_plain import plain_networks

from ai8x_models.describe.describe import describe
from ai8x_models.describe.onnx_reader import read_onnx_model
from max78000.errors import ToolError

HINT = "torch's exporter needs onnxscript: pip install 'max78000-toolchain[train]'"
onnxscript = pytest.importorskip("onnxscript", reason=HINT)


def has_twins(tree):
    """True if both ways of a join begin alike: the exporter computes that once."""
    joins = [one for one in tree if isinstance(one, Branches)]
    return any(
        has_twins(one.left)
        or has_twins(one.right)
        or {*map(str, one.left)} & {*map(str, one.right)}
        for one in joins
    )


def nameless(layers):
    """Layers by number: names are the exporter's."""
    new = {one.name: f"layer{place}" for place, one in enumerate(layers)} | {"input": "input"}
    return [
        replace(
            one,
            name=new[one.name],
            sources=tuple(new[source] for source in one.sources),
            weight_source=new.get(one.weight_source),
        )
        for one in layers
    ]


def check_alike(plain, folder):
    """One description, or a refusal both ways."""
    assume(plain.tree and not has_twins(plain.tree))
    model = plain.model("functional")
    try:
        wanted = nameless(describe(model, plain.shape).layers)
    except ToolError:
        return  # the file may have been simplified into what can be done
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(model, (plain.examples[:1],), dynamo=True, verbose=False)
    logging.disable(logging.NOTSET)
    program.save(str(folder / "net.onnx"))
    assert nameless(describe(read_onnx_model(folder / "net.onnx"), plain.shape).layers) == wanted


def examples(n):
    # Seconds each: failures are not made smaller.
    phases, checks = [Phase.generate], list(HealthCheck)
    return settings(max_examples=n, derandomize=True, phases=phases, suppress_health_check=checks)


@pytest.mark.long
@given(plain=plain_networks())
@examples(3)
def test_exported_networks_are_described_alike(plain, tmp_path_factory):
    check_alike(plain, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@given(plain=plain_networks())
@examples(30)
def test_more_exported_networks_are_described_alike(plain, tmp_path_factory):
    check_alike(plain, tmp_path_factory.getbasetemp())
