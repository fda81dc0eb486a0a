"""What a board's numbers mean is what training says they mean."""

import numpy as np
import pytest
import torch

from ai8x_models.tasks.classify.answer import ClassShares
from ai8x_models.tasks.detect.answer import BoxAnswers
from ai8x_models.tasks.detect.suppress import Suppression
from ai8x_models.tasks.keypoints.answer import PointAnswers
from ai8x_models.tasks.regression.answer import Numbers
from ai8x_models.tasks.segmentation.answer import ClassMasks
from max78000.apps.run.answers import show
from max78000.errors import InputError
from max78000.program.network_file import NetworkFacts, from_json, to_json

CLASSES = ("bird", "fish", "stone")


def facts_of(task, answer):
    """What the project folder says of a trained network, after a file."""
    trained = {"task": task, **answer.to_extras()}
    return from_json(to_json(NetworkFacts("net", trained)))


def both(task, answer, *outputs):
    """The answer for one input by both codes."""
    batch = tuple(one[None] for one in outputs)
    expected = answer.show(answer.decode(batch)[0])
    names = [f"layer{index}" for index in range(len(outputs))]
    return show(facts_of(task, answer), dict(zip(names, outputs, strict=True))), expected


def numbers(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape) * 3


def test_classes():
    found, expected = both("classification", ClassShares(CLASSES), numbers(0, 3, 1, 1))
    assert found.text == expected.text
    assert found.label == expected.data["class"]
    assert found.data["probabilities"] == pytest.approx(expected.data["probabilities"])


@pytest.mark.parametrize("shape", [(3, 6, 8), (12, 3, 4), (3, 12, 16)])
def test_masks(shape):
    answer = ClassMasks(CLASSES, (6, 8))
    scores = numbers(1, *shape)
    found, expected = both("segmentation", answer, scores)
    assert found.text == expected.text
    np.testing.assert_array_equal(found.mask, answer.decode((scores[None],))[0])


@pytest.mark.parametrize("seed", range(5))
def test_boxes(seed):
    priors = torch.rand(40, 4, generator=torch.Generator().manual_seed(seed)) * 0.5 + 0.1
    answer = BoxAnswers(CLASSES, priors, Suppression())
    found, expected = both("detection", answer, numbers(seed, 40, 4), numbers(seed + 9, 40, 4))
    assert found.text == expected.text
    pairs = zip(found.data["boxes"], expected.data["boxes"], strict=True)
    for one, other in pairs:
        assert one["class"] == other["class"]
        assert one["box"] == pytest.approx(other["box"])
        assert one["probability"] == pytest.approx(other["probability"])


def test_points():
    answer = PointAnswers(("eye", "beak"), (), (20, 30))
    found, expected = both("keypoints", answer, numbers(3, 4, 1, 1) / 9)
    assert found.text == expected.text


@pytest.mark.parametrize("is_input", [False, True])
def test_numbers(is_input):
    answer = Numbers((2, 3), (5.0, 6.0) if is_input else (5.0,), 0.25, is_input)
    found, expected = both("regression", answer, numbers(4, 6, 1, 1))
    assert found.text == expected.text
    np.testing.assert_allclose(found.data["numbers"], expected.data["numbers"])


def test_what_nobody_says_is_shown_as_it_is():
    facts = NetworkFacts("net", {})
    found = show(facts, {"a": np.array([1.0, 2.5]), "b": np.zeros((2, 2, 2))})
    assert found.text == "a: 1, 2.5; b: 8 numbers from 0 to 0"
    assert found.data["a"] == [1.0, 2.5]
    heat = NetworkFacts("net", {"task": "keypoints", "points": ["eye"], "size": [4, 4]})
    assert show(heat, {"map": np.zeros((1, 2, 2))}).text == "map: 0, 0, 0, 0"


def test_an_index_is_a_class():
    facts = NetworkFacts("net", {"classes": list(CLASSES)})
    assert show(facts, {"best": np.array([[[2]]], np.int32)}).label == "stone"


def test_other_results_than_the_task_needs():
    answer = ClassShares(CLASSES)
    with pytest.raises(InputError, match="gives 4 scores for 3 classes"):
        show(facts_of("classification", answer), {"scores": np.zeros(4)})
    with pytest.raises(InputError, match="gives 2 channels for 3 classes a pixel"):
        show(facts_of("segmentation", ClassMasks(CLASSES, (2, 2))), {"mask": np.zeros((2, 2, 2))})
