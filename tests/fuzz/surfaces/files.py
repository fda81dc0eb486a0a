"""Files that the part and the compiler read."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
from fuzz.seeds import rezipped
from fuzz.tell import all_of

from max78000.board.code import read_elf
from max78000.board.outside.pictures import read_scene
from max78000.board.outside.sounds import read_sound
from max78000.facts.chip import MAX78000
from max78000.firmware.image import read_image
from max78000.machine.state import read_state
from max78000.program.folder import read_program
from max78000.program.input_file import read_input
from max78000.program.layer_dump import read_dump
from max78000.program.layer_table import read_layers
from max78000.program.network_file import read_network_file
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.evaluation import read_evaluation
from synthesis.read.files import read_description
from synthesis.read.npy_weights import read_test_weights
from synthesis.read.onnx_file import read_onnx
from synthesis.read.sample import read_sample


def written(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return path


def npy(data, folder):
    path = written(folder, "input.npy", data)
    all_of(
        lambda: read_sample(path),
        lambda: read_test_weights(path, path),
        lambda: read_input(path, 4, 4, 1),
        lambda: read_scene(path),
    )


def dump(data, folder):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("conv1.npy"), data)
    paths = (written(folder, "d.npz", data), written(folder, "z.npz", file.getvalue()))
    all_of(*(lambda path=path: read_dump(path) for path in paths))


def state(data, folder):
    paths = written(folder, "s.json", data), written(folder, "s.gz", gzip.compress(data, 1))
    all_of(*(lambda path=path: read_state(path, MAX78000) for path in paths))


def program(data, folder):
    read_program(written(folder, "program.json", data))


def tables(data, folder):
    from max78000.link.energy_report import _read_report

    for name in ("layers.json", "network.json", "report.json"):
        written(folder, name, data)
    all_of(
        lambda: read_layers(folder),
        lambda: read_network_file(folder),
        lambda: _read_report(folder / "report.json"),
    )


def evaluation(data, folder):
    read_evaluation(written(folder, "e.json", data), Path("a.pth.tar"))


def network(data, folder):
    read_description(written(folder, "net.yaml", data))


def checkpoint(data, folder):
    """As it is; and as the pickle inside an archive, which few changes would leave whole."""
    paths = written(folder, "c.pth.tar", data), written(folder, "z.pth.tar", rezipped(data))
    all_of(*(lambda path=path: read_checkpoint(path) for path in paths))


def onnx_weights(data, folder):
    written(folder, "weights.bin", bytes(72))
    read_onnx(written(folder, "m.onnx", data))


def elf(data, folder):
    path = written(folder, "f.elf", data)
    all_of(lambda: read_image(path), lambda: read_elf(path))


def pictures(data, folder):
    from ai8x_models.training.data.readers.pictures import read_picture
    from max78000.apps.pose.picture import read_picture as read_whole
    from max78000.apps.run.inputs import read_picture as read_for_run

    path = written(folder, "p.png", data)
    all_of(
        lambda: read_scene(path),
        lambda: read_input(path, 4, 4, 12),
        lambda: read_whole(path),
        lambda: read_for_run(path, (3, 4, 4)),
        lambda: read_picture(path, (3, 4, 4)),
    )


def wav(data, folder):
    from max78000.apps.run.inputs import read_sound as read_for_run

    path = written(folder, "s.wav", data)
    all_of(lambda: read_sound(path), lambda: np.sum(read_for_run(path, 100, 16000)))
