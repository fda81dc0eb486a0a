"""The vendor's detector learns by the task `detection`, with nothing changed but the imports.

Left out without its file.
"""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from brought import beside

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import describe_network
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.tasks.sampled.machine import compare_with_machine
from ai8x_models.tasks.sampled.stored import load_trained, stored_samples
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from synthesis import compile_network

SOURCE = beside("vendor", "models") / "ai85net-tinierssd.py"
pytestmark = [
    pytest.mark.slow,  # a minute: 1,700 priors on pictures of 74x74
    pytest.mark.skipif(not SOURCE.is_file(), reason="needs the files in shared/vendor/models"),
]
SIDE = 74
RECIPE = """\
name: discs
model: detector.py:ai85tinierssd(num_classes=2)
task: detection
epochs: 8
batch_size: 10
data: {source: discs.npz}
optimizer: {kind: adam, peak_rate: 2e-3}
nms: {min_score: 0.2, max_overlap: 0.3, top_k: 20}
qat: {start_epoch: 6}
"""


def discs(seed, n):
    """Pictures (n, 74, 74, 3) of one disc, and the box (n, 1, 5) around it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    pictures = rng.normal(110, 14, (n, SIDE, SIDE, 3))
    boxes = np.zeros((n, 1, 5), np.float32)
    for picture, (box,) in zip(pictures, boxes, strict=True):
        wide, high = rng.uniform(8, 14), rng.uniform(12, 18)
        u, v = rng.uniform(wide, SIDE - wide), rng.uniform(high, SIDE - high)
        picture[((x - u) / wide) ** 2 + ((y - v) / high) ** 2 <= 1] += 80
        box[:4] = np.array([u - wide, v - high, u + wide, v + high]) / SIDE
    return pictures.clip(0, 255).astype(np.uint8), boxes


def test_the_vendors_detector_is_trained_and_compiled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = SOURCE.read_text().replace(
        "import ai8x\nimport utils.object_detection_utils as obj_detect_utils\n",
        "from ai8x_models.layers import vendor_names as ai8x\n",
    )
    Path("detector.py").write_text(text)
    (x_train, y_train), (x_test, y_test) = discs(1, 120), discs(2, 40)
    np.savez("discs.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    path = train(parse_recipe(RECIPE, "discs.yaml"), Console(StringIO()))
    torch.set_num_threads(threads)
    quantize_checkpoint(path, Path("discs-q.pth.tar"))
    qat, integers = map(load_trained, (path, Path("discs-q.pth.tar")))
    samples = stored_samples(load_checkpoint(path), "test", path)
    pairs = zip(qat.outputs(samples.inputs[:4]), integers.outputs(samples.inputs[:4]), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert integers.answer.priors.shape == (1700, 4)
    scores = integers.answer.score(integers.answers_on(samples), samples.targets).to_json()
    assert scores["ap50"] > 0.15  # 0.32 was seen; boxes at random are near 0
    network = network_of(integers.model, (3, SIDE, SIDE))
    text = describe_network(network, integers.model).to_text()
    Path("net.yaml").write_text(text.replace("arch: TinierSSD", "arch: ai85tinierssd"))
    compile_network("net.yaml", "discs-q.pth.tar", samples.inputs[0]).write("project")
    agreement = compare_with_machine(integers, Path("project"), samples, 2)
    assert (agreement.n_examples, agreement.differences) == (2, ())
