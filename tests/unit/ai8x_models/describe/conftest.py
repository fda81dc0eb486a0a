"""What tests of descriptions share: the operators of torch's exporter are read once."""

import functools
import importlib

import pytest


@pytest.fixture(scope="session")
def _operators_read_once():
    """The exporter that follows torch.export reads all of its operators again for each model.

    That is most of the time that a small model takes.
    """
    registry = importlib.import_module("torch.onnx._internal.exporter._registration").ONNXRegistry
    with pytest.MonkeyPatch.context() as patch:
        read_once = functools.cache(registry.from_torchlib)
        patch.setattr(registry, "from_torchlib", staticmethod(read_once))
        yield
