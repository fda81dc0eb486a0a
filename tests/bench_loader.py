"""How fast samples are read and made into batches beside how fast networks learn: `make bench`.

Images, or recordings, per second of CPU time, so that others on the machine do not matter; nothing
is asserted. The loader is no bottleneck as long as its threads make more than is learned.
"""

import tempfile
import time
from pathlib import Path

import click
import numpy as np
import soundfile
import torch
from PIL import Image

from ai8x_models.tasks.classify.task import TASK
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.recipe import AugmentPlan
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.zoo.load import channels_last
from ai8x_models.zoo.registry import create_model, find_model

BATCH, N_FILES, N_STEPS = 32, 320, 10
AUGMENT = AugmentPlan(shift=4, flip=True, noise=0.02, brightness=0.1)
NETWORKS = ("StreamNet", "ColorNet", "KeywordNet")


def draw_files(folder, are_sounds):
    """Two classes of photographs' size, or of a second of sound."""
    rng = np.random.default_rng(1)
    for index in range(N_FILES):
        home = folder / f"class{index % 2}"
        home.mkdir(parents=True, exist_ok=True)
        if are_sounds:
            soundfile.write(home / f"{index}.wav", rng.normal(0, 0.1, 44_100), 44_100)
        else:
            small = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8))
            small.resize((500, 375)).save(home / f"{index}.jpg", quality=90)


def per_cpu_second(count, work):
    """How many of `count` things come of a CPU second of this process's work."""
    before = time.process_time()
    work()
    return count / (time.process_time() - before)


def measure(name, folder):
    """Rates of one network: read from files, made into batches, learned."""
    info, model = find_model(name), channels_last(create_model(name))
    are_sounds = len(info.input_shape) == 2
    draw_files(folder, are_sounds)
    plan = DataPlan(str(folder), validation_share=0.01, test_share=0.0, workers=0)
    opened = []
    read = per_cpu_second(
        N_FILES, lambda: opened.append(open_samples(plan, "train", info.input_shape))
    )
    (samples,) = opened
    examples = SampledExamples(samples, TASK.answer.settled(None, samples))
    batches = []
    made = per_cpu_second(
        len(samples) // BATCH * BATCH,
        lambda: batches.extend(examples.shuffled(BATCH, 1, 0, AUGMENT)),
    )
    optimizer = torch.optim.AdamW(model.parameters())

    def learn():
        for batch in (batches * N_STEPS)[:N_STEPS]:
            loss = torch.nn.functional.cross_entropy(model(batch.inputs), batch.truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    learn()  # the first steps find their kernels
    return read, made, per_cpu_second(N_STEPS * BATCH, learn)


def main():
    """Print one line per network."""
    torch.manual_seed(1)
    click.echo("network       read from files   made into batches   learned   per CPU second")
    with tempfile.TemporaryDirectory() as name:
        for network in NETWORKS:
            read, made, learned = measure(network, Path(name, network))
            click.echo(f"{network:14}{read:>15.0f}{made:>20.0f}{learned:>10.0f}")


if __name__ == "__main__":
    main()
