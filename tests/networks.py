"""Small networks for tests, written as text: YAML of the layers, shapes of weights and sample.

Plain functions that bring such a network to the stage a test is about. Weights and pixels are
pseudo-random integers from a fixed seed unless a test gives them. No expected results here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from max78000.facts.chip import MAX78000
from synthesis.compile import compile_source
from synthesis.emit.whole_project import project_files
from synthesis.generate.options import ProgramOptions
from synthesis.lower.lower import lower
from synthesis.place.place import place
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.source import InputPath, Source
from synthesis.read.yaml_reader import read_network
from synthesis.report.report import report_on

FILE = "net.yaml"
HEADER = "arch: tiny\ndataset: tiny\nlayers:\n"  # the first layer is on line 4


@dataclass(frozen=True, slots=True)
class Net:
    """A network as text.

    Args:
        layers: YAML entries of `layers`, one per line, without the leading dash.
        weights: shapes of the checkpoint's entries, such as "4x2x3x3 8x4x1x1"; with a trailing t
            where PyTorch has the inputs first.
        image: shape of the sample, such as "2x6x6"; two numbers are channels and length.
        bits: range of the random weights, and of a given `fill`.
        fill: the value of all weights; None draws them.
        bias: the bias bytes of the first entry, one more in each further one; None: no biases.
        scales: final scales of the entries, such as "0 3"; left out, they have none.
        sections: YAML of further sections of the description, behind the layers.
    """

    layers: str
    weights: str = ""
    image: str = "2x6x6"
    bits: int = 8
    fill: int | None = None
    bias: int | None = None
    input_path: InputPath = InputPath.MEMORY
    sections: str = ""
    scales: str = ""


def description(layers):
    """The YAML text of a network with these layers, each on its own line."""
    return HEADER + "".join(f"  - {line.strip()}\n" for line in layers.strip().splitlines())


def sizes(text):
    """The numbers of a shape such as 4x2x3x3."""
    return tuple(int(n) for n in text.split("x"))


def network_of(net):
    """The description, read."""
    return read_network(description(net.layers) + net.sections, FILE)


def checkpoint_of(net, seed=0):
    """Integer weights, in the order of `weights`; entries are called w0, w1, ..."""
    rng = np.random.default_rng(seed)
    entries = []
    scales = dict(enumerate(map(int, net.scales.split())))
    for i, text in enumerate(net.weights.split()):
        shape, limit = sizes(text.rstrip("t")), 1 << (net.bits - 1)
        drawn = rng.integers(-limit, limit, shape)
        weight = drawn if net.fill is None else np.full(shape, net.fill)
        n_outputs = shape[1] if text.endswith("t") else shape[0]
        bias = None if net.bias is None else np.full(n_outputs, net.bias + i)
        scale = scales.get(i, 0)
        entry = f"w{i}.op"
        entries.append(LayerWeights(f"w{i}", weight, bias, None, 0, False, scale, entry))
    return Checkpoint("tiny-q.pth.tar", "tiny", tuple(entries))


def image_of(net, seed=1):
    """A random sample, int64 (C, H, W)."""
    shape = (*sizes(net.image), 1)[:3]
    return np.random.default_rng(seed).integers(-128, 128, shape)


def source_of(net):
    """What the compiler starts from."""
    return Source(network_of(net), checkpoint_of(net), image_of(net), net.input_path)


def graph_of(net):
    """The network, lowered; the sample's pixels are never made."""
    image = np.broadcast_to(np.int64(0), (*sizes(net.image), 1)[:3])
    return lower(Source(network_of(net), checkpoint_of(net), image, net.input_path), MAX78000)


def report_of(net):
    """What the compiled network takes of the chip."""
    return report_on(compile_net(net), MAX78000)


def project_of(compiled, files, options):
    """File name -> text of the project that is written for a compiled network."""
    return project_files(compiled, report_on(compiled, MAX78000), files, options, MAX78000)


def placement_of(net):
    """The network, placed; rules are not asked."""
    return place(graph_of(net), MAX78000)


def compile_net(net, source=None, **options):
    """The network, compiled; `source` replaces its random weights and sample."""
    return compile_source(source or source_of(net), ProgramOptions("tiny", **options), MAX78000)


def write_checkpoint(path, content, *, is_legacy=False):
    """Save a dictionary as PyTorch does; arrays become float tensors, as quantizers write."""
    import torch  # noqa: PLC0415 - most tests do without

    def tensors(value):
        if isinstance(value, Mapping):
            return {key: tensors(entry) for key, entry in value.items()}
        return torch.tensor(value).float() if isinstance(value, np.ndarray) else value

    torch.save(tensors(content), path, _use_new_zipfile_serialization=not is_legacy)
    return path


def state_of(checkpoint):
    """The state dictionary that a checkpoint of 8-bit weights came from."""
    state = {}
    for entry in checkpoint.layers:
        state[f"{entry.name}.op.weight"] = entry.weight
        if entry.bias is not None:
            state[f"{entry.name}.op.bias"] = entry.bias * 128
        if entry.final_scale:
            state[f"{entry.name}.final_scale"] = np.array(entry.final_scale)
    return state


def write_files(folder, net, name="tiny"):
    """Description, checkpoint and sample of a network, as a user has them."""
    paths = folder / f"{name}.yaml", folder / f"{name}-q.pth.tar", folder / f"{name}.npy"
    paths[0].write_text(description(net.layers) + net.sections, encoding="utf-8")
    checkpoint = checkpoint_of(net)
    write_checkpoint(
        paths[1], {"epoch": 1, "arch": checkpoint.arch, "state_dict": state_of(checkpoint)}
    )
    np.save(paths[2], image_of(net).astype(np.int8))
    return paths
