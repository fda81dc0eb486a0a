"""From a PyTorch model to the chip's own numbers, in one file: read it, run it, or step through it.

The cells marked with # %% are those of a notebook: editors run them one by one. As a script,
`python examples/digits.py`, it takes a few seconds and writes to the folder `build/digits`. No
board, no C compiler and no download are needed.
"""

# ruff: noqa: T201 - an example prints

# %% A model. Layers of `ai8x_models` are layers of the accelerator; DigitNet has five of them.
from pathlib import Path

import numpy as np
import torch

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.describe.describe import describe
from ai8x_models.layers.qat import start_qat
from ai8x_models.quantize.layer_answers import layer_answers
from ai8x_models.quantize.quantize import load_integer_model, quantize_checkpoint
from ai8x_models.zoo.registry import create_model, find_model
from ai8x_models.zoo.toy_data import draw_samples, train_briefly
from max78000.program.layer_dump import first_difference
from synthesis import compile_network

folder = Path("build/digits")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)
info = find_model("DigitNet")
model = create_model("DigitNet")

# %% Train it, first with real numbers, then on the chip's grid (quantization-aware training).
batches = [draw_samples(info.dataset, 32, seed) for seed in range(50)]
losses = train_briefly(model, info.dataset, batches[:40])
start_qat(model, info.policy)
losses += train_briefly(model, info.dataset, batches[40:])
print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}")

# %% Make integers of it: they are the numbers that training computed with already.
trained, integers = folder / "digits.pth.tar", folder / "digits-q.pth.tar"
save_checkpoint(trained, Checkpoint("DigitNet", 1, dict(model.state_dict())))
print(quantize_checkpoint(trained, integers).to_text())

# %% Describe the network to the compiler. Nothing in a description places anything on the chip.
description = folder / "digits.yaml"
description.write_text(describe(model, info.device_shape).to_text(), encoding="utf-8")

# %% Compile it. The sample is the input of the known answer that the firmware will check.
test = draw_samples(info.dataset, 12, seed=1000)
pictures = test.device_inputs()  # integers, (N, C, H, W)
network = compile_network(description, integers, pictures[0])
print(f"{network.report.cycles.total} cycles, {network.report.milliseconds:.2f} ms a picture")

# %% Run it on the simulated accelerator, which knows registers and memories and no network.
machine = network.machine()
answers = []
for picture in pictures:
    (scores,) = machine.predict(picture)  # accumulators of the last layer, (10, 1, 1)
    answers.append(int(scores.argmax()))
n_right = int((np.array(answers) == test.targets.numpy()).sum())
print(f"{n_right} of {len(answers)} digits are right: {answers}")

# %% Three answers agree in every value of every layer: PyTorch, interpreter, accelerator.
by_torch = layer_answers(load_integer_model(integers), pictures[0])
by_machine = machine.layers(network.table)
for side, layers in {"PyTorch": by_torch, "accelerator": by_machine}.items():
    print(f"interpreter and {side}: {first_difference(network.layers, layers) or 'equal'}")

# %% If they did not, the first layer, channel and pixel would be named.
damaged = dict(by_machine)
damaged["conv3"] = by_machine["conv3"].copy()
damaged["conv3"][5, 2, 3] ^= 1
print(first_difference(network.layers, damaged))

# %% Write the C project. From here on: max78000 build, simulate, flash.
network.write(folder / "project", overwrite=True)
print(f"wrote {folder / 'project'}")
