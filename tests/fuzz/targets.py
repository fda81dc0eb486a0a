"""What is fuzzed: every surface through which files or lines of others come in.

A target takes bytes as its reader would find them. Whatever it raises but a `ToolError`, or what a
reader says it raises, is a finding. Readers of the training side load PyTorch, which takes seconds,
so that each is imported when it is first used.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz import seeds
from fuzz.surfaces import boards, files, training


@dataclass(frozen=True)
class Target:
    """A surface.

    Args:
        take: reads an input; given its bytes and a folder of its own.
        seeds: makes good inputs.
        words: what the format likes to say.
        refusals: what `take` may raise beside a `ToolError`.
    """

    take: Callable[[bytes, Path], object]
    seeds: Callable[[], tuple[bytes, ...]]
    words: tuple[bytes, ...] = ()
    refusals: tuple[type[BaseException], ...] = ()


_JSON = re.findall(rb"\S+", b'"format" "name" "layers" "shape" -0.0 1e999 [[]] {"a":{}} "\\ud800"')
_YAML = re.findall(rb"\S+", b"layers: op: Linear pad: &x *x <<: !!int !!map ~ .inf 0x7 2020-01-01")
_NPY = (b"'descr': '<i8'", b"'fortran_order': True", b"'shape': (0,)", b"'|O'", b"'<M8'", b"(-1,)")
_PICKLE = (b"cos\nsystem\n", b"\x85R", b"0", b"2", b"\x8a\xff", b"\x94", b"h\x00", b"q\x00", b"(dp")
_ZIP = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06")
_WORDS = b"0x10000000 0xffffffff CRC-32 layer values crc32 ok differs from channel on diff address"

TARGETS = {
    "npy": Target(files.npy, seeds.npy, _NPY),
    "dumps": Target(files.dump, seeds.dumps, (*_NPY, *_ZIP)),
    "recorded states": Target(files.state, seeds.states, tuple(_JSON)),
    "programs": Target(files.program, seeds.programs, tuple(_JSON)),
    "tables and facts": Target(files.tables, seeds.tables, tuple(_JSON)),
    "evaluations": Target(files.evaluation, seeds.evaluations, tuple(_JSON)),
    "networks": Target(files.network, seeds.networks, tuple(_YAML)),
    "checkpoints": Target(files.checkpoint, seeds.checkpoints, (*_PICKLE, *_ZIP)),
    "ONNX weights": Target(files.onnx_weights, seeds.onnx_models),
    "ELF": Target(files.elf, seeds.elves),
    "pictures": Target(files.pictures, seeds.pictures),
    "WAV": Target(files.wav, seeds.waves, (b"data", b"fmt ", b"RIFF")),
    "layer logs": Target(boards.layer_log, seeds.layer_logs, tuple(_WORDS.split())),
    "OpenOCD": Target(boards.openocd, seeds.openocd_lines, tuple(_WORDS.split())),
    "OpenOCD process": Target(boards.openocd_process, seeds.openocd_lines, tuple(_WORDS.split())),
    "power monitor": Target(boards.power_monitor, seeds.monitor_lines, (b"inf", b"PMON", b",")),
    "frames": Target(boards.frames, seeds.frames, (b"\xc7\x78\x01",)),
    "pose replies": Target(boards.pose_replies, seeds.frames, (b"\xc7\x78\x01",)),
    "JTAG pins": Target(boards.pins, seeds.pin_changes, (b"R", b"rstu", b"0415")),
    "recipes": Target(training.recipe, seeds.recipes, tuple(_YAML)),
    "QAT policies": Target(training.policy, seeds.policies, tuple(_YAML)),
    "schedules": Target(training.schedule, seeds.schedules, tuple(_YAML)),
    "COCO": Target(training.coco, seeds.listings, tuple(_JSON)),
    "tensor files": Target(training.tensors, seeds.checkpoints, (*_PICKLE, *_ZIP, b"__metadata__")),
    "ONNX models": Target(training.onnx_model, seeds.onnx_models),
    "data files": Target(training.data_files, seeds.data_files, (*_NPY, *_PICKLE)),
    "recordings": Target(training.recording, seeds.waves, (b"data", b"fmt ", b"RIFF")),
    "pose caches": Target(training.pose_cache, seeds.caches),
    "motion": Target(training.motion, seeds.motions, (b":root", b":bonedata", b"begin", b"end")),
}
