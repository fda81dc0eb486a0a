"""`ai8x quantize`: the vendor's command lines, every option, and what is said on the way."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.commands.quantize import quantize
from ai8x_models.quantize.description_widths import read_widths
from max78000.errors import InputError, UnsupportedError

NET = """
from torch import nn
def Net():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
"""
DESCRIPTION = """\
arch: net
dataset: none
layers:
  - {name: conv1, op: conv2d, quantization: 4}
  - {name: gap, op: passthrough, quantization: 8}
  - {name: conv2, activate: relu, quantization: 2}
"""
BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{this}: &{this} [{','.join([f'*{last}'] * 10)}]\n"
    for last, this in zip("abcde", "bcdef", strict=True)
)
OPTIONS = {
    *("--calibrate", "--model", "--input", "--device", "--verbose", "-v", "--config-file", "-c"),
    *("--weight-bits", "--qat-weight-bits", "--clip-method", "--scale", "--stddev", "--no-bias"),
    *("--bn-eps", "--transposed", "--chip-limits", "--overwrite", "--json"),
}


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = {}
    for name in ("conv1", "conv2"):
        state |= {f"{name}.weight_bits": torch.zeros(1), f"{name}.op.bias": torch.rand(4)}
        state |= {f"{name}.op.weight": torch.rand(4, 4, 3, 3)}
    save_checkpoint(Path("in"), Checkpoint("net", 1, state))
    Path("net.yaml").write_text(DESCRIPTION)


def _bits(path="out"):
    state = load_checkpoint(Path(path)).state_dict
    return [int(state[f"{name}.weight_bits"].item()) for name in ("conv1", "conv2")]


def test_the_trained_checkpoint_is_never_replaced(ai8x):
    before = Path("in").read_bytes()
    Path("link").symlink_to("in")
    for target in ("in", "./in", "link"):
        status, _, err = ai8x("quantize", "in", target, "--overwrite")
        assert status == 2
        assert err == (
            f"ai8x: {Path(target)}: would be replaced by what is made of it"
            " (name another file to write)\n"
        )
    assert Path("in").read_bytes() == before


# The vendor's command lines.


def _vendor_lines(vectors_dir):
    folder = vectors_dir and vectors_dir.parent / "vendor" / "scripts"
    if folder is None or not folder.is_dir():
        pytest.skip("the vendor's scripts are not beside this checkout")
    for script in sorted(folder.glob("quantize_*.sh")):
        for line in script.read_text().splitlines():
            words = shlex.split(line.partition("#")[0])
            for start, word in enumerate(words):
                if word.endswith("quantize.py"):
                    yield script.name, [one for one in words[start + 1 :] if one != "$@"]


@pytest.mark.long
def test_every_command_line_of_the_vendor(vectors_dir, ai8x):
    lines = list(_vendor_lines(vectors_dir))
    assert len(lines) > 25
    for script, (source, target, *options) in lines:
        for path in (source, target, *(one for one in options if one.endswith(".yaml"))):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(source).write_bytes(Path("in").read_bytes())
        Path(target).unlink(missing_ok=True)  # two scripts write the same
        described = [one for one in options if one.endswith(".yaml")]
        for path in described:
            Path(path).write_text(DESCRIPTION)
        status, out, err = ai8x("quantize", source, target, *options)
        if "MAX78002" in options:
            assert (status, out) == (4, ""), script
            assert "device MAX78002 is not the MAX78000" in err
            continue
        assert status == 0, (script, err)
        assert _bits(target) == ([4, 2] if described else [8, 8]), script
        assert ("output shift" in err) == ("-v" in options), script


def test_all_options_are_there():
    found = {name for one in quantize.params for name in one.opts if name.startswith("-")}
    assert found == OPTIONS


# Options one by one.


@pytest.mark.parametrize("device", ["MAX78000", "max78000", "78000", "AI85", "85"])
def test_names_of_the_chip(ai8x, device):
    assert ai8x("quantize", "in", "out", "--device", device)[0] == 0


@pytest.mark.parametrize("device", ["MAX78002", "87", "AI84"])
def test_other_chips(ai8x, device):
    status, _, err = ai8x("quantize", "in", "out", "--device", device)
    assert (status, Path("out").exists()) == (4, False)
    assert "use MAX78000" in err


def test_widths(ai8x):
    assert ai8x("quantize", "in", "out", "--qat-weight-bits", 4)[0] == 0
    assert _bits() == [4, 4]
    assert ai8x("quantize", "in", "a", "-c", "net.yaml", "--weight-bits", "conv1=1")[0] == 0
    assert _bits("a") == [1, 2]
    assert ai8x("quantize", "in", "b", "--weight-bits", "conv1")[0] == 2
    assert ai8x("quantize", "in", "b", "--weight-bits", "conv9=4")[0] == 2


@pytest.mark.parametrize(
    ("options", "factor"),
    [
        (("--clip-method", "SCALE", "--scale", "0.5"), 0.5),
        (("--clip-method", "scale"), 0.85),
        (("--clip-method", "MAX"), None),
        (("--clip-method", "AVGMAX"), None),
        (("--clip-method", "STDDEV", "--stddev", "1.5"), None),
    ],
)
def test_clip_methods(ai8x, options, factor):
    status, out, _ = ai8x("quantize", "in", "out", *options, "--json")
    assert status == 0
    layer = json.loads(out)["layers"][0]
    assert factor is None or layer["factor"] == factor
    assert load_checkpoint(Path("out")).extras["clipping_method"] == options[1].upper()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--clip-method", "AVG"), "AVG"),
        (("--scale", "0.5"), "--clip-method SCALE"),
        (("--clip-method", "MAX", "--stddev", "2"), "--clip-method STDDEV"),
        (("--model", "a.py:Net"), "for --calibrate"),
        (("--no-bias", "conv7"), "no bias of conv7"),
    ],
)
def test_options_that_go_nowhere(ai8x, options, said):
    status, _, err = ai8x("quantize", "in", "out", *options)
    assert (status, said in err) == (2, True)


def test_biases_are_dropped(ai8x):
    assert ai8x("quantize", "in", "out", "--no-bias", "conv1,conv2")[0] == 0
    assert not [name for name in load_checkpoint(Path("out")).state_dict if "op.bias" in name]


def test_a_network_without_qat_says_so(ai8x):
    _, out, err = ai8x("quantize", "in", "out")
    assert "note: 2 of 2 layers never saw quantization-aware training" in err
    assert "--calibrate" in err
    assert "note" not in out


def test_calibration(ai8x):
    np.save("samples.npy", np.random.default_rng(0).random((8, 1, 8, 8), np.float32) - 0.5)
    Path("net.py").write_text(NET)
    torch.save({"0.weight": torch.rand(4, 1, 3, 3), "0.bias": torch.rand(4)}, "half.pth")
    state = {f"{layer}.bias": torch.rand(4) for layer in (0, 2)}
    state |= {"0.weight": torch.rand(4, 1, 3, 3), "2.weight": torch.rand(4, 4, 3, 3)}
    torch.save(state, "net.pth")
    arguments = ("quantize", "net.pth", "out", "--calibrate", "samples.npy")
    status, _, err = ai8x(*arguments)
    assert status == 2
    assert "add --model FILE.py:CLASS --input CxHxW" in err
    arguments += ("--model", "net.py:Net", "--input", "1x8x8")
    status, _, err = ai8x(*arguments)
    assert status == 0, err
    assert "dB QSNR on the samples" in err
    assert "note: the samples reach from -0.49" in err
    assert "note: answer 0 of the model is the chip's integer / " in err
    assert ai8x(*arguments, "--clip-method", "MAX", "--overwrite")[0] == 2


def test_what_fails_leaves_no_folder(ai8x):
    np.save("samples.npy", np.zeros((1, 1, 8, 8), np.float32))
    Path("net.py").write_text(NET)
    Path("text").write_text("no checkpoint")
    model = ("--calibrate", "samples.npy", "--model", "net.py:Net", "--input", "1x8x8")
    for source in ("missing", "text", "net.py"):
        for more in ((), model):
            assert ai8x("quantize", source, "new/folder/out", *more)[0] == 2
    assert not Path("new").exists()
    assert ai8x("quantize", "in", "new/folder/out")[0] == 0


# Descriptions.


def test_widths_skip_layers_without_weights():
    assert read_widths(Path("net.yaml")) == (4, 2)
    lines = ("{sequence: 1, quantization: 4}", "{sequence: 0, op: Linear}", "{weight_source: a}")
    Path("b.yaml").write_text("layers: [" + ", ".join(lines).replace("{w", "{sequence: 2, w") + "]")
    assert read_widths(Path("b.yaml")) == (None, 4)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("layers: [{quantization: 3}]", InputError, "3 bits is not a weight width"),
        ("layers: [{quantization: true}]", InputError, "True bits is not"),
        ("layers: [{quantization: binary}]", UnsupportedError, "MAX78002 only"),
        ("layers: [{sequence: x}]", InputError, "no whole number"),
        ("layers: 3", InputError, "no list of `layers`"),
        ("[", InputError, "is not YAML"),
        ("a: " + "[" * 5000, InputError, "is not YAML"),
        ("a: &a [1, *a]", InputError, "is not YAML"),
        ("a: 2001-99-99", InputError, "is not YAML"),
        (BOMB, InputError, "is not YAML"),
        ("layers: [{sequence: .inf}]", InputError, "no whole number"),
    ],
)
def test_descriptions_that_are_none(text, kind, said):
    Path("bad.yaml").write_text(text)
    with pytest.raises(kind, match=said):
        read_widths(Path("bad.yaml"))


def test_a_description_of_another_network(ai8x):
    Path("long.yaml").write_text("layers: [{op: conv2d}, {op: conv2d}, {op: linear}]")
    status, _, err = ai8x("quantize", "in", "out", "-c", "long.yaml")
    assert status == 2
    assert "has 3 layers with weights, and the checkpoint 2" in err
