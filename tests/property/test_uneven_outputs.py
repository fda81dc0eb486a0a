"""Convolutions whose output processors are unevenly spaced: registers, and three equal answers.

Rule P12 refuses them unless it is allowed. The vendor's generator then chooses local writes; where
those stay inside quadrant 0 the accelerator's answer is the interpreter's, elsewhere it refuses.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.agreement import OPTIONS, require_agreement

from max78000.errors import ToolError
from max78000.facts import regmap
from max78000.facts.chip import MAX78000
from max78000.machine import MachineFault
from max78000.program.program import Write
from networks import Net, compile_net, source_of
from synthesis.compile import compile_source

ALLOWED = frozenset({"P12"})
OUT_WORD = 0x1000
SIZES = st.sampled_from(("1x1, pad: 0", "3x3, pad: 1", "3x3, pad: 0"))
EXTRAS = st.sampled_from(
    ("", ", activate: ReLU", ", max_pool: 2, pool_stride: 2", ", write_gap: 1")
)


def processor_maps(last):
    sets = st.sets(st.integers(0, last), min_size=2, max_size=8)
    return sets.map(lambda processors: sum(1 << p for p in processors))


def network(outputs, n_inputs, size="3x3, pad: 1", extra="", bias=None):
    """One convolution from `n_inputs` channels to the processors of a map."""
    keys = f"kernel_size: {size}, out_offset: {4 * OUT_WORD:#x}{extra}"
    weights = f"{outputs.bit_count()}x{n_inputs}x{size[:3]}"
    layers = f"{{output_processors: {outputs:#x}, {keys}}}"
    return Net(layers, weights, f"{n_inputs}x4x6", bias=bias)


def compile_allowed(net):
    return compile_source(source_of(net), OPTIONS, MAX78000, ALLOWED)


def first_values(program, register):
    """What layer 0 gets in a register, by quadrant."""
    words = {
        op.addr: op.value for op in program.phase("configure").operations if isinstance(op, Write)
    }
    addrs = (regmap.layer_register_addr(MAX78000, register, 0, q) for q in range(4))
    return [words.get(addr, 0) for addr in addrs]


def is_local(program):
    return not regmap.LCTL.field("sramlsrc").get(first_values(program, regmap.LCTL)[0])


def vendors_pointer(outputs, quadrant):
    """WPTR_BASE with local writes: docs/hardware/registers.md#local-writes."""
    t = outputs >> (4 * quadrant)
    inst = ((t & -t).bit_length() - 1) & ~3 if t else -4
    return OUT_WORD | (inst + 4 * quadrant) * 2048


def points_at_own_memory(outputs):
    """Whether the pointer of quadrant 1 leaves quadrant 0, for outputs inside that."""
    first = (outputs & -outputs).bit_length() - 1 & ~3
    n_memories = -(-(outputs.bit_length() - first) // 4)
    return (vendors_pointer(outputs, 1) >> 13) + n_memories > 4


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(processor_maps(63))
def test_the_write_pointer_is_the_vendors(outputs):
    program = compile_allowed(network(outputs, 64)).program
    if is_local(program):
        wanted = [vendors_pointer(outputs, quadrant) for quadrant in range(4)]
        assert first_values(program, regmap.WPTR_BASE) == wanted


def test_networks_agree_or_are_refused():
    found = {"local": 0, "global": 0, "refused": 0}

    @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(
        processor_maps(15),
        st.sampled_from((2, 5, 20, 40, 70)),
        SIZES,
        EXTRAS,
        st.sampled_from((None, 3)),
    )
    def check(outputs, n_inputs, size, extra, bias):
        try:
            compiled = compile_allowed(network(outputs, n_inputs, size, extra, bias))
        except ToolError:
            found["refused"] += 1
            return
        uses_quadrant_1 = n_inputs > 16
        if is_local(compiled.program) and uses_quadrant_1 and points_at_own_memory(outputs):
            with pytest.raises(MachineFault, match=r"quadrant 1 .* a sum of its own"):
                require_agreement(compiled)
            found["refused"] += 1
            return
        require_agreement(compiled)
        found["local" if is_local(compiled.program) else "global"] += 1

    check()
    assert found["local"] > 20
    assert found["global"] > 3
    assert found["refused"] > 1


def test_unevenly_spaced_outputs_are_refused_unless_allowed():
    net = network(0x17, 2)
    with pytest.raises(ToolError, match=r"\[P12\]"):
        compile_net(net)
    require_agreement(compile_allowed(net))
