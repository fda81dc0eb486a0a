"""Good inputs for every surface, as small as they can be: most are made.

Findings of earlier runs lie in `corpus`, by surface; they are seeds like the others.
"""

import functools
import gzip
import io
import json
import pickle
import struct
import tempfile
import wave
import zipfile
import zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).with_name("corpus")


def found_earlier(surface):
    """Inputs that have been findings."""
    folder = CORPUS / surface.replace(" ", "_")
    return tuple(path.read_bytes() for path in sorted(folder.glob("*")))


def saved(save):
    """What a function writes into a file of bytes."""
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def npy():
    arrays = (
        np.arange(-8, 8, dtype=np.int8).reshape(1, 4, 4),
        np.ones((2, 3), np.float32),
        np.asfortranarray(np.ones((3, 3, 3), np.int64)),
        np.zeros(2, [("f0", "<i4"), ("f1", "<i4")]),
        np.array(["a", "bc"]),
        np.float16(3),
    )
    return tuple(saved(lambda file, one=one: np.save(file, one)) for one in arrays)


def dumps():
    arrays = {"conv1": np.ones((2, 2, 2), np.int8), "out": np.arange(4)}
    return (
        saved(lambda file: np.savez(file, **arrays)),
        saved(lambda file: np.savez_compressed(file, **arrays)),
        *npy()[:4],
    )


@functools.cache
def _compiled():
    """A network of two layers, compiled."""
    from networks import Net, compile_net, write_files

    net = Net("{op: conv2d, kernel_size: 3x3, pad: 1}\n{op: linear, flatten: true}",
              "2x1x3x3 3x32", "1x4x4")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(Path(folder), net)
        files = tuple(path.read_bytes() for path in paths)
    return compile_net(net), files


def states():
    state = {name: {"0x50100000": 1, "0x50100004": 2} for name in ("reg", "aon", "data")}
    state |= {"bias": {"0x50108000": 7}, "tram": {}, "kernel": [[0x50180000, [1, 2, 3]]]}
    state |= {"fifo": [], "start": [[0x50100000, 0x100009]]}
    text = json.dumps({"state": state, "sample_output": [[0x50400000, 255, [1]]]}).encode()
    return text, gzip.compress(text, mtime=0)


def programs():
    from max78000.facts.chip import MAX78000
    from max78000.program.program import to_json

    return (to_json(_compiled()[0].program, MAX78000).encode(),)


def tables():
    """Tables of layers, facts of networks and reports, which one surface reads."""
    entry = {"layer": 0, "name": "conv", "shape": [1, 1, 1], "width_bits": 8}
    entry |= {"pixel_stride_bytes": 4, "channel_addrs": "50400000", "checksums": "00000000"}
    trained = {"task": "classification", "classes": ["a"], "input": {"shape": [1, 2, 2], "fold": 1}}
    finish = [{"name": "answer", "is_index": True, "shape": [1]}]
    texts = (
        {"format": "max78000-layers-1", "name": "n", "layers": [entry]},
        {"format": "max78000-network-1", "name": "n", "trained": trained, "finish": finish},
        {"format": "max78000-report-1", "work": [{"energy_uj": 1.0, "is_repeated": True}]},
    )
    return tuple(json.dumps(one).encode() for one in texts)


def evaluations():
    score = {"checkpoint": "a.pth.tar", "mode": "float", "task": "detection", "name": "mAP"}
    score |= {"value": 0.5, "interval": [0.4, 0.6], "split": "test", "n_examples": 3}
    return (json.dumps({"a": {"score": score}, "ceiling": {"AP": 1}}).encode(),)


def networks():
    paths = ("digit_net", "residual_net", "stream_net", "small_unet", "color_net")
    return tuple((ROOT / f"networks/{name}.yaml").read_bytes() for name in paths)


@functools.cache
def checkpoints():
    """Files of PyTorch, of both kinds, safetensors, and a pickle by itself."""
    import torch

    state = {
        "w0.op.weight": torch.arange(4.0).reshape(1, 1, 2, 2),
        "w0.output_shift": torch.ones(1),
    }
    content = {"epoch": 1, "arch": "tiny", "state_dict": state, "extras": {"classes": ["a"]}}
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return (
        saved(lambda file: torch.save(content, file)),
        saved(lambda file: torch.save(content, file, _use_new_zipfile_serialization=False)),
        saved(lambda file: torch.save(state, file)),
        struct.pack("<Q", len(header)) + header + b"\0\0\x80\x3f",
        pickle.dumps(content["extras"], 2),
    )


def onnx_models():
    from onnx import TensorProto, helper, numpy_helper

    arrays = {"w": np.ones((2, 1, 3, 3), np.float32), "b": np.zeros(2, np.float32),
              "g": np.ones((32, 3), np.float32)}  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("Flatten", ["r"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "g"], ["y"], "out"),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (("x", [1, 1, 4, 4]), ("y", [1, 3]))]  # fmt: skip
    graph = helper.make_graph(nodes, "tiny", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    outside = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    tensor = outside.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "72")):
        tensor.external_data.add(key=key, value=value)
    return model.SerializeToString(), outside.SerializeToString()


def elves():
    """A file for Arm with one segment, a table of symbols and one of names."""
    names, code = b"\0.text\0.symtab\0.strtab\0main\0", b"\0\xbf" * 8
    symbol = struct.pack("<IIIBBH", 23, 0x1000_0001, 16, 0x12, 0, 1)
    symbols = bytes(16) + symbol
    places = [0x54, 0x64, 0x84]
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (1, 1, 6, 0x1000_0000, places[0], len(code), 0, 0, 4, 0),
        (7, 2, 0, 0, places[1], len(symbols), 3, 1, 4, 16),
        (15, 3, 0, 0, places[2], len(names), 0, 0, 1, 0),
    ]
    table = places[2] + len(names)
    head = struct.pack("<4s12B2H5I6H", b"\x7fELF", 1, 1, 1, *bytes(9), 2, 40, 1, 0x1000_0001, 0x34,
                       table, 0x05000000, 52, 32, 1, 40, len(sections), 3)  # fmt: skip
    segment = struct.pack("<8I", 1, 0x54, 0x1000_0000, 0x1000_0000, 16, 16, 5, 4)
    tail = b"".join(struct.pack("<10I", *one) for one in sections)
    return (head + segment + code + symbols + names + tail,)


def pictures():
    from PIL import Image

    image = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    kinds = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
    whole = [saved(lambda file, kind=kind: image.save(file, kind)) for kind in kinds]
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8))
    clear = image.convert("RGBA")
    return (*whole, saved(lambda file: deep.save(file, "PNG")),
            saved(lambda file: clear.save(file, "PNG")))  # fmt: skip


def waves():
    def save(file, channels, width):
        with wave.open(file, "wb") as sound:
            sound.setparams((channels, width, 16000, 0, "NONE", ""))
            sound.writeframes(bytes(range(48)))

    return tuple(saved(lambda file, one=one: save(file, *one)) for one in ((1, 2), (2, 1), (1, 3)))


def layer_logs():
    text = (
        "*** CNN Layer Checks ***\nlayer 0 conv crc32 00000000 ok\nlayer 1 wide crc32 01234567 "
        "differs from channel 0 on\nvalues 1 0 0 0001020304050607\nPASS\n"
    )
    return (text.encode(), text.replace("\n", "\r\n").encode())


def openocd_lines():
    return (
        b"Info : x\nmax78000-step 0\nmax78000-step 1\nmax78000-done\n",
        b"diff 0 address 0x10000000. Was 0x00 instead of 0x01\n",
        b"max78000: init: result 0x00000001\nError: unable to open CMSIS-DAP device\n",
    )


def monitor_lines():
    return (
        b"PMON 2.0\r\n1.5,3,0.5\r\n",
        b"0.1,0.2,0.3,0.4\r\n0.2,1,0.1,0.3,0.2,1,0.1,0.3,0.2,1,0.1,0.3\r\n",
    )


def frames():
    from max78000.apps.shared.frames import Frame

    payloads = ((0x81, b"\1" * 16), (0x82, b"\2" * 128), (0x86, b"\3" * 24), (0xFF, b"\1"))
    return tuple(Frame(kind, 1, payload).to_bytes() for kind, payload in payloads)


def pin_changes():
    return (b"B" + b"2637" * 6 + b"0415R" * 40 + b"rstu", b"26" * 5 + b"04R15R" * 36)


def recipes():
    folder = ROOT / "ai8x_models/recipes"
    return tuple(path.read_bytes() for path in sorted(folder.glob("*.yaml")))


def policies():
    return (
        b"start_epoch: 10\nweight_bits: 8\noverrides:\n  conv1:\n    weight_bits: 4\n",
        b"start_epoch: 1\nweight_bits: 4\nranges: measured\noutlier_removal_z_score: 6.0\n"
        b"shift_quantile: 0.99\noverrides: {fc: 2}\n",
    )


def schedules():
    return (
        b"lr_schedulers:\n  training_lr:\n    class: MultiStepLR\n    milestones: [2, 4]\n"
        b"    gamma: 0.5\npolicies:\n  - lr_scheduler:\n      instance_name: training_lr\n"
        b"    starting_epoch: 0\n    ending_epoch: 9\n    frequency: 1\n",
        b"multi_box_loss:\n  alpha: 2\n  neg_pos_ratio: 3\nnms:\n  min_score: 0.75\n  top_k: 20\n",
    )


def listings():
    images = [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}]
    points = [1, 2, 2] * 17
    people = [{"image_id": 1, "bbox": [1, 1, 5, 5], "category_id": 1, "keypoints": points,
               "area": 20.0, "iscrowd": 0, "id": 1, "num_keypoints": 17}]  # fmt: skip
    kinds = [{"id": 1, "name": "person", "keypoints": ["p"] * 17}]
    text = {"images": images, "annotations": people, "categories": kinds}
    return (json.dumps(text).encode(),)


def data_files():
    """Arrays, idx, batches of CIFAR, tables: the first byte says which."""
    arrays = {"x_train": np.zeros((2, 4), np.uint8), "y_train": np.array([0, 1])}
    idx = struct.pack(">HBB2I", 0, 8, 2, 2, 2) + bytes(4)
    batch = {b"data": b"", b"labels": [1], b"names": [b"a"]}
    return (
        b"0" + saved(lambda file: np.savez(file, **arrays)),
        b"1" + idx,
        b"2" + gzip.compress(idx, mtime=0),
        b"3" + pickle.dumps(batch, 2),
        b"4" + b"file,class,split\na.png,1,train\nb.png,2,test\n",
    )


@functools.cache
def caches():
    from ai8x_models.tasks.pose.data.cache import build_cache
    from ai8x_models.tasks.pose.figures.figures import PRESETS, StickFigures

    with tempfile.TemporaryDirectory() as folder:
        path = build_cache(Path(folder) / "single.h5", StickFigures(PRESETS["single"]), "test", 1)
        return (path.read_bytes(),)


def motions():
    skeleton = (
        b":units\n angle deg\n:root\n order TX TY TZ RX RY RZ\n axis XYZ\n position 0 0 0\n"
        b" orientation 0 0 0\n:bonedata\n begin\n name upper\n direction 0 -2 0\n length 3\n"
        b" axis 0 0 0 XYZ\n dof rx rz\n end\n:hierarchy\n begin\n root upper\n end\n"
    )
    return (skeleton + b"\xff1\nroot 0 0 0 0 0 0\nupper 1 2\n",)


def rezipped(data):
    """A broken archive made whole: the bytes as its only member. Damage then reaches readers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), data)
        archive.writestr(zipfile.ZipInfo("archive/data/0"), bytes(64))
    return file.getvalue()


def resealed(data):
    """A frame with the right checksum behind its damage."""
    return data[:-4] + struct.pack("<I", zlib.crc32(data[2:-4]))
