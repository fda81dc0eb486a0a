"""One-layer register programs made by hand, and what they must compute, for tests of the machine.

`Case.program` packs registers from the formulas of the hardware notes; `Case.answer` computes the
layer with plain loops and Python integers. Neither uses a line of the machine or of the compiler.
"""

from dataclasses import dataclass, field
from itertools import product
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from max78000.facts import regmap
from max78000.facts.chip import MAX78000 as CHIP
from max78000.program.program import (
    Copy,
    Expected,
    KernelBlock,
    OutputMap,
    Phase,
    RegisterProgram,
    Write,
)

Array = NDArray[np.int64]
QUADRANTS = range(4)
MASK_SIZE = {8: 0, 1: 1, 2: 2, 4: 3}
FUNCTIONS = {"sub": 0, "add": 1, "or": 2, "xor": 3}


def passes_of(channels):
    """Passes and channels per pass."""
    passes = ceil(channels / 64)
    per_pass = ceil(channels / passes)
    return passes, min(ceil(per_pass / 4) * 4, 64) if channels > 64 else per_pass


@dataclass(frozen=True)
class Case:
    """One layer; `x` is (operands, channels, rows, columns), `weights` (outputs, inputs, h, w)."""

    x: Array
    weights: Array | None = None
    bias: Array | None = None
    bits: int = 8
    shift: int = 0
    activation: str = ""
    is_wide: bool = False
    is_transposed: bool = False
    pad: tuple[int, int] = (0, 0)
    pool: tuple[int, int] = (1, 1)
    step: int = 1
    is_average: bool = False
    is_rounding: bool = False
    function: str = ""
    is_pooled_first: bool = True
    gap: int = 0
    is_chw: bool = False
    first_processor: int = 0
    first_out_processor: int = 0
    in_word: int = 0
    out_word: int = 0x1000
    changes: dict[tuple[str, int], int] = field(
        default_factory=dict
    )  # (register, quadrant) -> value

    # -- the answer ----------------------------------------------------------------------------

    def pooled(self, image):
        (height, width), step = self.pool, self.step
        rows = (image.shape[1] - height) // step + 1
        columns = (image.shape[2] - width) // step + 1
        result = np.zeros((len(image), rows, columns), np.int64)
        for c, y, x in product(range(len(image)), range(rows), range(columns)):
            window = image[c, y * step : y * step + height, x * step : x * step + width]
            result[c, y, x] = self.reduced([int(v) for v in window.ravel()])
        return result

    def reduced(self, window):
        if not self.is_average:
            return max(window)
        total, n = sum(window), len(window)
        sign = -1 if total < 0 else 1
        return sign * (floor(abs(total) / n + 0.5) if self.is_rounding else abs(total) // n)

    def combined(self, images):
        total = images[0].astype(np.int64)
        for image in images[1:]:
            match self.function:
                case "add":
                    total = total + image
                case "sub":
                    total = total - image
                case "or":
                    total = total | image
                case "xor":
                    total = total ^ image
        return np.clip(total, -128, 127)

    def prepared(self):
        """What the convolution sees, or what a pass-through writes."""
        images = list(self.x)
        if len(images) > 1 and not self.is_pooled_first:
            return self.pooled(self.combined(images))
        images = [self.pooled(image) for image in images]
        return self.combined(images) if len(images) > 1 else images[0]

    def answer(self):
        image = self.prepared()
        if self.weights is None:
            return image
        if self.is_transposed:
            spread = np.zeros((len(image), 2 * image.shape[1], 2 * image.shape[2]), np.int64)
            spread[:, ::2, ::2] = image
            image = spread
        image = np.pad(image, ((0, 0), (self.pad[0],) * 2, (self.pad[1],) * 2))
        kernels, (height, width) = self.weights, self.weights.shape[2:]
        rows, columns = image.shape[1] - height + 1, image.shape[2] - width + 1
        result = np.zeros((len(kernels), rows, columns), np.int64)
        for k, y, x in product(range(len(kernels)), range(rows), range(columns)):
            window = image[:, y : y + height, x : x + width]
            total = int((kernels[k] * window).sum())
            total += 128 * int(self.bias[k]) if self.bias is not None else 0
            result[k, y, x] = total if self.is_wide else self.finished(total)
        return result

    def finished(self, total):
        scaled = max(-128, min(127, floor(total * 2.0**self.shift / 128 + 0.5)))
        if self.activation == "relu":
            return max(scaled, 0)
        return min(abs(scaled), 127) if self.activation == "abs" else scaled

    # -- the program ---------------------------------------------------------------------------

    @property
    def n_outputs(self):
        return len(self.x[0]) if self.weights is None else len(self.weights)

    def processor(self, channel, channels, first):
        """Pass and processor of a channel."""
        pass_index, rank = divmod(channel, passes_of(channels)[1])
        return pass_index, first + rank

    def fields(self):
        """Fields of every layer register that are the same in all quadrants."""
        operands, channels, rows, columns = self.x.shape
        in_passes, _ = passes_of(channels)
        out_passes, per_pass = passes_of(self.n_outputs)
        width, scale = 4 if self.is_wide else 1, 2 if self.is_transposed else 1
        is_pass, words = self.weights is None, (self.gap + 1) * (4 if self.is_wide else 1)
        taps = (1, 1) if self.weights is None else self.weights.shape[2:]
        is_1d = taps[1] == 1 and taps[0] > 1
        steps = per_pass * out_passes * in_passes
        prepared = self.prepared().shape[2]
        return {
            regmap.RCNT: {"max": scale * rows - 1 + 2 * self.pad[0], "pad": self.pad[0]},
            regmap.CCNT: {"max": scale * columns - 1 + 2 * self.pad[1], "pad": self.pad[1]},
            regmap.PRCNT: {"max": self.pool[0] - 1},
            regmap.PCCNT: {"max": self.pool[1] - 1},
            regmap.STRIDE: {"max": self.step - 1},
            regmap.WPTR_BASE: {"word": self.out_word, "instance": self.first_out_processor // 4},
            regmap.WPTR_TOFFS: {"value": 0x2000},
            regmap.WPTR_MOFFS: {"value": 0 if is_pass else 0x2000},
            regmap.WPTR_CHOFFS: {"value": words if out_passes > 1 else 0},
            regmap.RPTR_BASE: {"value": self.in_word},
            regmap.LCTL: {
                "master": 1,
                "parallel": self.is_chw,
                "pool_en": self.pool != (1, 1),
                "maxpl_en": not self.is_average,
                "act_en": self.activation == "relu",
                "sramlsrc": 1,
                "bigdwrt": self.is_wide,
            },
            regmap.LCTL2: {
                "inpchexp": in_passes - 1,
                "wptr_inc": self.gap if is_pass else out_passes * (self.gap + 1) - 1,
                "xpch_max": 0 if is_pass else (per_pass - 1) * self.bits,
            },
            regmap.MCNT: {"end": (out_passes - 1) * 8 if is_pass else (steps - 1) * self.bits},
            regmap.ONED: {
                "tscnt_max": (min(per_pass * width, 16) - 1) // 4 if is_pass else 0,
                "oned_width": taps[0] if is_1d or taps == (1, 1) else 0,
                "oned_en": is_1d,
                "ewise_en": operands > 1,
                "ewise_func": FUNCTIONS.get(self.function, 0),
                "prepool": operands > 1 and self.pool != (1, 1) and self.is_pooled_first,
                "conv_2d": operands > 1 and not is_pass,
                "ewise_cnt": operands - 1,
            },
            regmap.TPTR: {"max": max(scale * prepared + 2 * self.pad[1] - 3, 0)},
            regmap.POST: {
                "scale_reg": abs(self.shift),
                "scale_shft": self.shift < 0,
                "mask_size": MASK_SIZE[self.bits],
                "ts_en": is_pass,
                "onexone_en": is_pass and operands == 1,
                "out_abs": self.activation == "abs",
                "deconv_en": self.is_transposed,
            },
        }

    def layer_writes(self, quadrant):
        """Register values of one quadrant."""
        _, per_pass = passes_of(self.x.shape[1])
        enabled = sum(1 << self.first_processor + rank for rank in range(per_pass))
        local = enabled >> 16 * quadrant & 0xFFFF
        fields = self.fields()
        mask = 0 if self.weights is None else local
        fields[regmap.ENA] = {"pro_en": local, "mask_en": mask}
        if quadrant == 0:
            fields[regmap.LCTL]["cnnsi_en"] = 0 if self.weights is None else 0xE
        if self.weights is None:
            instance = quadrant * 4 if local else 0
            first = self.first_out_processor // 16 * 4
            fields[regmap.WPTR_BASE]["instance"] = (first + instance) % 16
        elif self.bias is not None and quadrant == 1:
            fields[regmap.POST] |= {"bptr_en": 1, "bptr_sad": 3}
        return {register: register.pack(**values) for register, values in fields.items()}

    def configure(self):
        writes = []
        for quadrant in QUADRANTS:
            for register, value in self.layer_writes(quadrant).items():
                changed = self.changes.get((register.name, quadrant), value)
                addr = regmap.layer_register_addr(CHIP, register, 0, quadrant)
                writes.append(Write(addr, changed))
        return writes

    def kernels(self):
        """Kernel words of every processor: each weight at the address that the counter visits."""
        if self.weights is None:
            return []
        channels, taps = self.weights.shape[1], self.weights[0, 0].size
        in_passes, in_rank = passes_of(channels)
        out_passes, out_rank = passes_of(self.n_outputs)
        n_bytes = ceil(out_passes * out_rank * in_passes * self.bits / 8) * taps
        n_words = ceil(n_bytes / 9)
        memory = np.zeros((64, 9 * n_words), np.int64)
        for k, c, tap in product(range(self.n_outputs), range(channels), range(taps)):
            pass_index, processor = self.processor(c, channels, self.first_processor)
            address = self.bits * (k * in_passes + pass_index)
            byte = address // 8 * taps + taps - 1 - tap
            weight = int(self.weights[k, c].ravel()[tap]) & ((1 << self.bits) - 1)
            memory[processor, byte] |= weight << address % 8
        blocks = []
        for processor in range(self.first_processor, self.first_processor + in_rank):
            words = memory[processor].reshape(-1, 9)[:, ::-1].astype(np.uint8).tobytes()
            words += bytes(-len(words) % 4)
            addr = CHIP.kernel_addr(processor)
            blocks.append(KernelBlock(addr, tuple(np.frombuffer(words, ">u4").tolist())))
        return blocks

    def input_words(self):
        operands, channels, rows, columns = self.x.shape
        in_passes, per_pass = passes_of(channels)
        if self.is_chw:
            return self.chw_words()
        memory = np.zeros((64, rows * columns, in_passes, operands), np.int64)
        for channel in range(channels):
            pass_index, processor = self.processor(channel, channels, self.first_processor)
            memory[processor, :, pass_index] = self.x[:, channel].reshape(operands, -1).T
        copies = []
        for first in range(0, 64, 4):
            if first < self.first_processor + per_pass and first + 4 > self.first_processor:
                lanes = memory[first : first + 4].reshape(4, -1).T.astype(np.int8).tobytes()
                addr = CHIP.data_addr(first, 4 * self.in_word)
                copies.append(Copy(addr, tuple(np.frombuffer(lanes, "<u4").tolist())))
        return copies

    def chw_words(self):
        pixels = self.x[0, 0].astype(np.int8).tobytes()
        words = np.frombuffer(pixels + bytes(-len(pixels) % 4), "<u4").tolist()
        return [Copy(CHIP.data_addr(self.first_processor, 4 * self.in_word), tuple(words))]

    def output_map(self):
        out_passes, _ = passes_of(self.n_outputs)
        unit = (self.gap + 1) * (16 if self.is_wide else 4)
        addrs = []
        for channel in range(self.n_outputs):
            pass_index, processor = self.processor(
                channel, self.n_outputs, self.first_out_processor
            )
            lane = processor % 4
            offset = 4 * self.out_word + pass_index * unit + lane * (4 if self.is_wide else 1)
            addrs.append(CHIP.data_addr(processor, offset))
        shape = self.answer().shape
        width_bits = 32 if self.is_wide else 8
        return OutputMap(0, "out", shape, width_bits, tuple(addrs), unit * out_passes)

    def known_answer(self):
        output, answer = self.output_map(), self.answer()
        words: dict[int, tuple[int, int]] = {}
        for channel, row, column in np.ndindex(answer.shape):
            addr, lane = output.place(channel, row, column)
            value, mask = int(answer[channel, row, column]), 0xFFFF_FFFF
            if not self.is_wide:
                value, mask = (value & 0xFF) << 8 * lane, 0xFF << 8 * lane
            old_mask, old_value = words.get(addr, (0, 0))
            words[addr] = old_mask | mask, old_value | value & 0xFFFF_FFFF
        return tuple(Expected(0, a, mask, (value,)) for a, (mask, value) in sorted(words.items()))

    def program(self):
        """Write all registers of all quadrants, zeros included."""
        ctl = regmap.CTL.pack(clk_en=1, mexpress=1, poolrnd=self.is_rounding)
        ctls = [regmap.quadrant_register_addr(CHIP, regmap.CTL, q) for q in QUADRANTS]
        biases = ()
        if self.bias is not None:
            padding = passes_of(self.n_outputs)[0] * passes_of(self.n_outputs)[1]
            values = [0, 0, 0, *(int(b) & 0xFF for b in self.bias)]
            values += [0] * (3 + padding - len(values))
            biases = (Copy(CHIP.bias_addr(1), tuple(values)),)
        start = [Write(addr, ctl | 1) for addr in ctls[1:]] + [Write(ctls[0], ctl | 1)]
        return RegisterProgram(
            name="hand-made",
            chip_name=CHIP.name,
            phases=(
                Phase("init", tuple(Write(addr, ctl) for addr in ctls)),
                Phase("load_weights", tuple(self.kernels())),
                Phase("load_bias", biases),
                Phase("configure", tuple(self.configure())),
                Phase("load_input", tuple(self.input_words())),
                Phase("start", tuple(start)),
            ),
            known_answer=self.known_answer(),
            outputs=(self.output_map(),),
        )
