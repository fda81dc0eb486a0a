"""Every network of the zoo in QAT with measured ranges: the integers are what QAT computes with."""

from dataclasses import replace

import pytest
import torch

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import Ranges
from ai8x_models.layers.qat import DATA_GRID, Layer, set_generation, weight_grid
from ai8x_models.quantize.quantize import load_integer_model, quantize_checkpoint
from ai8x_models.training.measured_qat import start_measured_qat
from ai8x_models.zoo.registry import MODELS, create_model
from ai8x_models.zoo.toy_data import draw_samples, train_briefly

pytestmark = pytest.mark.long  # seconds each

ZOO = {info.name: info for info in MODELS.values() if info.task != "pose"}


def watched(model):
    """Results of all layers, once the model has run."""
    found = {}
    for name, layer in model.named_modules():
        if isinstance(layer, Layer):
            layer.register_forward_hook(lambda _m, _x, y, name=name: found.update({name: y}))
    return found


@pytest.mark.parametrize("name", ZOO)
def test_integers_of_every_layer_are_what_qat_computes_with(name, tmp_path):
    info, samples = ZOO[name], draw_samples(ZOO[name].dataset, 8)
    torch.manual_seed(1)
    model = create_model(name)
    set_generation(model, is_v2=True)
    train_briefly(model, info.dataset, [samples] * 3)
    start_measured_qat(model, replace(info.policy, ranges=Ranges.MEASURED), [samples.inputs])
    train_briefly(model, info.dataset, [samples] * 3)
    save_checkpoint(tmp_path / "qat", Checkpoint(name, 1, dict(model.state_dict())))
    quantize_checkpoint(tmp_path / "qat", tmp_path / "q")
    integers = load_integer_model(tmp_path / "q")
    in_qat, in_integers = watched(model.eval()), watched(integers)
    with torch.no_grad():
        model(samples.inputs)
        integers(samples.inputs * DATA_GRID.one)
    n_scaled = 0
    for path, found in in_qat.items():
        layer = model.get_submodule(path)
        one, gain = DATA_GRID.one, 1.0
        if isinstance(layer, FusedLayer):
            bits = int(layer.weight_bits.item())
            one *= weight_grid(bits).one if layer.plan.wide else 1
            gain = layer.final_gain
            n_scaled += layer.get_buffer("activation_threshold").item() != 0
        assert torch.equal(found.double() * one, in_integers[path].double() * gain), path
        assert found.count_nonzero() > found.numel() / 100, path
    assert n_scaled
