"""What one layer's registers say: `decode_layer` reads them into a frozen `LayerSetup`.

The machine's own reading of the register map; it shares nothing with the code that wrote the
registers but the tables of `regmap.py`. It reads registers only, never memory, and refuses settings
whose effect is not known.

Source: docs/hardware/registers.md#layer-registers.
"""

from dataclasses import dataclass

from max78000.facts import regmap
from max78000.facts.chip import Chip
from max78000.facts.fixed import Activation, Combine
from max78000.facts.regs import Register
from max78000.machine.memory import LANES, MachineFault, RegisterFile
from max78000.machine.setup import (
    KernelSetup,
    LayerSetup,
    PoolSetup,
    PostSetup,
    ReadSetup,
    WriteSetup,
)

WEIGHT_BITS = (8, 1, 2, 4)  # by POST.mask_size
COMBINE = (Combine.SUB, Combine.ADD, Combine.OR, Combine.XOR)  # by ONED.ewise_func
SHORT_PASSES = regmap.LCTL2.field("inpchexp").limit  # what it counts; more take POST.xpmp_cnt too
MASK_UNITS = 8  # a mask address counts weight bits; eight to a byte


@dataclass(frozen=True, slots=True)
class _LayerView:
    """The registers of one layer in the quadrants that run."""

    chip: Chip
    file: RegisterFile
    index: int
    quadrants: tuple[int, ...]

    def fields(self, register: Register, quadrant: int) -> dict[str, int]:
        return register.unpack(self.file.load(register, quadrant, self.index))

    def shared(self, register: Register, *except_fields: str) -> dict[str, int]:
        """Fields that all running quadrants must agree on."""
        words = [self.file.load(register, quadrant, self.index) for quadrant in self.quadrants]
        if len(set(words)) == 1:
            return register.unpack(words[0])
        first, *others = map(register.unpack, words)
        for quadrant, other in zip(self.quadrants[1:], others, strict=True):
            for name, value in first.items():
                if name not in except_fields and other[name] != value:
                    reason = f"{register.name}.{name} is {value} in quadrant {self.quadrants[0]}"
                    raise self.fault(f"{reason}, {other[name]} in quadrant {quadrant}")
        return first

    def value(self, register: Register) -> int:
        """Field `value` or `max` of a register with one field."""
        (number,) = self.shared(register).values()
        return number

    def fault(self, reason: str) -> MachineFault:
        return MachineFault(reason, where=f"layer {self.index}")


def decode_layer(
    chip: Chip, registers: RegisterFile, index: int, quadrants: tuple[int, ...]
) -> LayerSetup:
    """Read the setup of layer `index` from the registers of the running quadrants.

    Raises:
        MachineFault: quadrants disagree, or the settings contradict each other or are not modelled.
    """
    view = _LayerView(chip, registers, index, quadrants)
    lctl = view.shared(regmap.LCTL, "cnnsi_en")
    post = view.shared(regmap.POST, "bptr_en", "bptr_sad")
    read = _decode_read(view, lctl, post)
    kernel = None if post["ts_en"] else _decode_kernel(view, post, read.passes)
    setup = LayerSetup(
        index=index,
        read=read,
        pool=_decode_pool(view, lctl, read.operands),
        kernel=kernel,
        post=_decode_post(view, lctl, post),
        write=_decode_write(view, lctl, kernel),
    )
    _check(view, setup)
    return setup


def _decode_read(view: _LayerView, lctl: dict[str, int], post: dict[str, int]) -> ReadSetup:
    oned = view.shared(regmap.ONED)
    passes = view.shared(regmap.LCTL2)["inpchexp"] + 1
    if post["flatten_en"]:
        passes += SHORT_PASSES * post["xpmp_cnt"]
        if view.shared(regmap.TPTR)["start"] != passes - 1:
            raise view.fault(f"TPTR.start is not the {passes - 1} of LCTL2 and POST")
    return ReadSetup(
        first_word=view.value(regmap.RPTR_BASE),
        rows=_input_size(view, regmap.RCNT, post),
        columns=_input_size(view, regmap.CCNT, post),
        passes=passes,
        operands=oned["ewise_cnt"] + 1 if oned["ewise_en"] else 1,
        is_chw=bool(lctl["parallel"]),
        start=view.value(regmap.STREAM1),
        # Quirk ring-size-streams: nothing else says that a layer streams.
        ring_words=view.value(regmap.FMAX),
        processors=_enabled_processors(view, is_passthrough=bool(post["ts_en"])),
    )


def _input_size(view: _LayerView, register: Register, post: dict[str, int]) -> int:
    """Input rows or columns: the register holds them with padding, doubled if transposed."""
    # Quirk transposed-counts: a transposed layer counts the zeros behind its pixels, too.
    count = view.shared(register)
    size = count["max"] + 1 - 2 * count["pad"]
    if size < 1 or (post["deconv_en"] and size % 2):
        raise view.fault(f"{register.name} leaves {size} input rows or columns")
    return size // 2 if post["deconv_en"] else size


def _enabled_processors(view: _LayerView, *, is_passthrough: bool) -> tuple[int, ...]:
    enabled: list[int] = []
    for quadrant in view.quadrants:
        ena = view.fields(regmap.ENA, quadrant)
        if ena["mask_en"] != (0 if is_passthrough else ena["pro_en"]):
            raise view.fault(f"quadrant {quadrant}: ENA.mask_en does not suit ENA.pro_en")
        first = quadrant * view.chip.processors_per_quadrant
        local = range(view.chip.processors_per_quadrant)
        enabled += [first + bit for bit in local if ena["pro_en"] >> bit & 1]
    if not enabled:
        raise view.fault("no processor is enabled")
    return tuple(enabled)


def _decode_pool(view: _LayerView, lctl: dict[str, int], operands: int) -> PoolSetup:
    oned = view.shared(regmap.ONED)
    rows, columns = view.value(regmap.PRCNT) + 1, view.value(regmap.PCCNT) + 1
    if rows * columns > 1 and not lctl["pool_en"]:
        raise view.fault(f"a pool window of {rows}x{columns}, but LCTL.pool_en is 0")
    return PoolSetup(
        rows=rows,
        columns=columns,
        step=view.value(regmap.STRIDE) + 1,
        is_max=bool(lctl["maxpl_en"]),
        is_rounding=bool(view.file.get(regmap.CTL, "poolrnd")),
        combine=COMBINE[oned["ewise_func"]] if oned["ewise_en"] else None,
        is_pooled_first=operands == 1 or bool(oned["prepool"]) or rows * columns == 1,
    )


def _decode_kernel(view: _LayerView, post: dict[str, int], passes: int) -> KernelSetup:
    oned, mcnt = view.shared(regmap.ONED), view.shared(regmap.MCNT)
    rows, columns = 3, 3
    if oned["oned_en"]:
        rows, columns = oned["oned_width"], 1
        if not 1 <= rows <= view.chip.kernel_word_bytes:
            raise view.fault(f"ONED.oned_width is {rows}, not 1..{view.chip.kernel_word_bytes}")
    elif oned["oned_width"] == 1:
        rows, columns = 1, 1
    weight_bits = WEIGHT_BITS[post["mask_size"]]
    n_steps, rest = divmod(mcnt["end"] - mcnt["start"] + weight_bits, weight_bits)
    if n_steps < 1 or rest or n_steps % passes or mcnt["start"] % MASK_UNITS:
        reason = f"MCNT {mcnt['start']}..{mcnt['end']} does not hold whole steps of {weight_bits}"
        raise view.fault(f"{reason} bits in {passes} passes")
    return KernelSetup(
        rows=rows,
        columns=columns,
        pad_rows=view.shared(regmap.RCNT)["pad"],
        pad_columns=view.shared(regmap.CCNT)["pad"],
        is_transposed=bool(post["deconv_en"]),
        weight_bits=weight_bits,
        first_address=mcnt["start"],
        n_steps=n_steps,
        byte_offset=oned["oned_sad"],
    )


def _decode_post(view: _LayerView, lctl: dict[str, int], post: dict[str, int]) -> PostSetup:
    biased = [q for q in view.quadrants if view.fields(regmap.POST, q)["bptr_en"]]
    if len(biased) > 1:
        raise view.fault(f"bias from quadrants {biased} at once is not modelled")
    activation = Activation.RELU if lctl["act_en"] else Activation.NONE
    if post["out_abs"]:
        activation = Activation.ABS
    shift = -post["scale_reg"] if post["scale_shft"] else post["scale_reg"]
    return PostSetup(
        shift=shift,
        activation=activation,
        is_wide=bool(lctl["bigdwrt"]),
        bias_quadrant=biased[0] if biased else None,
        bias_offset=view.fields(regmap.POST, biased[0])["bptr_sad"] if biased else 0,
    )


def _decode_write(view: _LayerView, lctl: dict[str, int], kernel: KernelSetup | None) -> WriteSetup:
    every = range(view.chip.n_quadrants)
    first_words = tuple(view.file.load(regmap.WPTR_BASE, q, view.index) for q in every)
    local_quadrants = () if lctl["sramlsrc"] else view.quadrants
    pass_step = view.value(regmap.WPTR_CHOFFS)
    lctl2 = view.shared(regmap.LCTL2)
    if kernel is None:
        # Quirk passthrough-step: the pointer advances after each pass.
        n_passes = view.shared(regmap.MCNT)["end"] // MASK_UNITS + 1
        return WriteSetup(
            first_words=first_words,
            local_quadrants=local_quadrants,
            pixel_step=n_passes * (lctl2["wptr_inc"] + 1),
            pass_step=pass_step,
            group_step=view.value(regmap.WPTR_TOFFS),
            n_passes=n_passes,
            columns_per_pass=0,
            n_slots=view.shared(regmap.ONED)["tscnt_max"] + 1,
        )
    if not local_quadrants:
        view.shared(regmap.WPTR_BASE)
    # Quirk wide-step: a product; the guide's sum does not lead to the expected places.
    pixel_step = (lctl2["wptr_inc"] + 1) * (4 if lctl["bigdwrt"] else 1)
    if pass_step and pixel_step % pass_step:
        raise view.fault(f"pixels are {pixel_step} words apart, passes {pass_step}")
    if lctl2["xpch_max"] % kernel.weight_bits:
        raise view.fault(f"LCTL2.xpch_max {lctl2['xpch_max']} is no multiple of the weight bits")
    return WriteSetup(
        first_words=first_words,
        local_quadrants=local_quadrants,
        pixel_step=pixel_step,
        pass_step=pass_step,
        group_step=view.value(regmap.WPTR_MOFFS),
        n_passes=pixel_step // pass_step if pass_step else 1,
        columns_per_pass=lctl2["xpch_max"] // kernel.weight_bits + 1,
        n_slots=0,
    )


def _check(view: _LayerView, setup: LayerSetup) -> None:
    """Refuse what the single groups of fields cannot see."""
    rows, columns = setup.out_shape
    if min(*setup.pooled_shape, rows, columns) < 1:
        raise view.fault(f"the output has {rows} rows and {columns} columns")
    limit = setup.write.n_passes * setup.write.columns_per_pass
    if setup.n_columns > limit:
        raise view.fault(f"{setup.n_columns} output columns, room for {limit} (LCTL2.xpch_max)")
    if setup.kernel is None:
        if setup.write.n_passes != setup.read.passes:
            passes = f"{setup.read.passes} input and {setup.write.n_passes} output passes"
            raise view.fault(f"a pass-through with {passes}")
        if setup.write.n_slots * LANES < _most_per_quadrant(view, setup):
            raise view.fault(f"ONED.tscnt_max allows {setup.write.n_slots} words per quadrant")
        if setup.post != PostSetup(0, Activation.NONE, False, None, 0):
            raise view.fault("a pass-through with shift, activation, bias or 32-bit output")
    if setup.read.is_chw and (setup.read.passes > 1 or setup.read.operands > 1):
        raise view.fault("CHW input with several passes or operands is not modelled")
    _check_kind(view)
    _check_sum(view, setup)
    _check_row_buffer(view, setup)


def _check_kind(view: _LayerView) -> None:
    """Bits that follow from the kind of layer have to follow: nobody has seen others.

    Source: [UG] LCTRL0.master, ONED.2d_conv, POST.onexone_en.
    """
    lctl, oned = view.shared(regmap.LCTL, "cnnsi_en"), view.shared(regmap.ONED)
    post = view.shared(regmap.POST, "bptr_en", "bptr_sad")
    is_combining, is_passing = bool(oned["ewise_en"]), bool(post["ts_en"])
    for name, found, is_wanted in (
        ("LCTL.master", lctl["master"], True),
        ("ONED.conv_2d", oned["conv_2d"], is_combining and not is_passing),
        # Quirk onexone-pass: a 1x1 convolution does without it.
        ("POST.onexone_en", post["onexone_en"], is_passing and not is_combining),
    ):
        if found != is_wanted:
            raise view.fault(f"{name} is {found}, which no layer of this kind has")


def _most_per_quadrant(view: _LayerView, setup: LayerSetup) -> int:
    quadrants = [p // view.chip.processors_per_quadrant for p in setup.read.processors]
    return max(map(quadrants.count, quadrants))


def _check_sum(view: _LayerView, setup: LayerSetup) -> None:
    """Every quadrant that adds something to a convolution must be listed in quadrant 0."""
    if setup.kernel is None:
        return
    listed = view.fields(regmap.LCTL, 0)["cnnsi_en"] | 1
    working = {p // view.chip.processors_per_quadrant for p in setup.read.processors}
    if setup.post.bias_quadrant is not None:
        working.add(setup.post.bias_quadrant)
    for quadrant in sorted(working):
        if not listed >> quadrant & 1:
            raise view.fault(f"quadrant {quadrant} works, but LCTL.cnnsi_en does not add it")


def _check_row_buffer(view: _LayerView, setup: LayerSetup) -> None:
    """A 3x3 kernel needs a row buffer of its own width; the machine itself has no use for it."""
    if setup.kernel is None or setup.kernel.columns == 1:
        return
    tptr = view.shared(regmap.TPTR)
    found, needed = tptr["max"] - tptr["start"] + 1, max(setup.out_shape[1], 1)
    if found != needed:
        raise view.fault(f"TPTR gives {found} row buffer entries, the layer needs {needed}")
    if tptr["max"] >= view.chip.tram_words:
        raise view.fault(f"TPTR.max {tptr['max']} is not in 0..{view.chip.tram_words - 1}")
