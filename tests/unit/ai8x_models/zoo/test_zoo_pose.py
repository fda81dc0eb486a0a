import numpy as np
import pytest
import torch

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, start_qat
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.zoo.load import mode_of
from ai8x_models.zoo.pose import (
    N_HEATMAPS,
    N_PAF,
    NativePoseModel,
    StudentModel,
    TinyStudentModel,
)
from ai8x_models.zoo.registry import MODELS, create_model, find_model
from max78000.apps.pose import skeleton
from max78000.errors import InputError

MODEL_SIZES = [
    # model            parameters weights free stem adds, layers
    (TinyStudentModel, 112_257, 110_928, 1_296, 13),
    (StudentModel, 659_001, 655_776, 2_592, 15),
    (NativePoseModel, 295_225, 293_440, 0, 11),  # its stem is free
]


def test_channels_are_those_of_the_skeleton():
    assert (N_HEATMAPS, N_PAF) == (skeleton.N_HEATMAPS, skeleton.N_PAF)


def _count(model, ending=""):
    return sum(p.numel() for name, p in model.named_parameters() if name.endswith(ending))


@pytest.mark.parametrize(("model", "parameters", "weights", "more", "n_layers"), MODEL_SIZES)
def test_sizes(model, parameters, weights, more, n_layers):
    assert _count(model()) == parameters
    assert _count(model(), "op.weight") == weights
    if more:
        assert _count(model(free_stem=True)) == parameters + more
    assert sum(name.endswith("op.weight") for name in model().state_dict()) == n_layers


@pytest.mark.parametrize("name", [info.name for info in MODELS.values() if info.task == "pose"])
def test_shapes_and_order(name):
    info = find_model(name.lower())
    model = create_model(name).eval()
    with torch.no_grad():
        heat, paf = model(torch.rand(1, *info.input_shape))
    assert heat.shape == (1, 19, 16, 16)
    assert paf.shape == (1, 38, 16, 16)
    assert info.device_shape == (3 * info.fold**2, 128 // info.fold, 128 // info.fold)
    layers = [key.removesuffix(".op.weight") for key in model.state_dict() if "op.weight" in key]
    convolutions = [layer for layer in layers if layer.startswith("conv")]
    contexts = [layer for layer in layers if layer.startswith("cpm")]
    assert layers == [
        *(f"conv{i + 1}" for i in range(len(convolutions))),
        *(f"cpm{i + 1}" for i in range(len(contexts))),
        *(name for name in ("heat_hidden", "heat", "paf_hidden", "paf") if hasattr(model, name)),
    ]


def test_batch_norm_everywhere_but_in_the_outputs():
    model = TinyStudentModel()
    without = [name for name, layer in model.named_children() if layer.bn is None]
    assert without == ["heat", "paf"]


@pytest.mark.parametrize("name", ["TinyStudentModel", "NativePoseModel"])
def test_folded_pictures_give_the_same_maps(name):
    torch.manual_seed(0)
    model = create_model(name).eval()
    picture = torch.randint(-128, 128, (1, 3, 128, 128)) / 128
    folded_picture = fold_image(picture, find_model(name).fold)
    with torch.no_grad():
        for direct, folded in zip(model(picture), model(folded_picture), strict=True):
            assert torch.allclose(direct, folded, atol=1e-4)


def _blobs(n_images):
    """Pictures with one bright square per colour, and a heatmap cell where it lies."""
    rng = np.random.default_rng(0)
    pictures = rng.normal(0, 0.1, (n_images, 3, 128, 128)).astype(np.float32)
    heat = np.zeros((n_images, 19, 16, 16), np.float32)
    for image in range(n_images):
        for colour in range(3):
            row, column = rng.integers(1, 15, 2)
            pictures[image, colour, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 0.8
            heat[image, colour, row, column] = 1
    return torch.from_numpy(pictures).clamp(-1, 127 / 128), torch.from_numpy(heat)


@pytest.mark.long
def test_training_reduces_the_loss_before_and_during_qat():
    torch.manual_seed(0)
    model = TinyStudentModel()
    pictures, heat = _blobs(4)
    losses = []
    for step in range(40):
        if step == 30:
            start_qat(model, QatPolicy(0))
        if step in (0, 30):
            optimizer = torch.optim.AdamW(model.parameters(), 4e-3 if step == 0 else 1e-3)
        out_heat, out_paf = model(pictures)
        loss = ((out_heat - heat) ** 2).mean() + 0.5 * (out_paf**2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[29] < losses[0] / 20
    assert losses[39] < losses[0] / 20
    assert mode_of(model) is Mode.QAT


def test_output_shifts_of_the_heads_stay_zero_in_qat():
    model = TinyStudentModel()
    start_qat(model, QatPolicy(0))
    model.eval()
    with torch.no_grad():
        model(torch.rand(1, 3, 128, 128))
    assert model.heat.output_shift.item() == model.paf.output_shift.item() == 0
    assert model.conv2.output_shift.item() != 0


def test_unknown_models_get_a_suggestion():
    with pytest.raises(InputError, match="there is no model 'TinyStudent'") as caught:
        create_model("TinyStudent")
    assert caught.value.fix == "did you mean TinyStudentModel?"
    with pytest.raises(InputError, match="there is no model 'xyz'") as caught:
        create_model("xyz")
    assert caught.value.fix.startswith("one of ")
