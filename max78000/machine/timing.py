"""Clock cycles of a layer from its registers: `LayerSetup` to cycle model. Simulates nothing."""

from max78000.facts.cycles import LayerTiming, layer_cycles
from max78000.machine.decode import SHORT_PASSES
from max78000.machine.setup import LayerSetup


def setup_cycles(setup: LayerSetup, kernel_word_bytes: int) -> int:
    """Cycles of one layer.

    The registers of a flatten layer do not tell how many rows it flattens, only how many elements;
    that matters for a single output alone, where the answer may be a few cycles short.
    """
    rows, columns = setup.pooled_shape
    kernel, pool = setup.kernel, setup.pool
    scale = 2 if kernel and kernel.is_transposed else 1
    start_byte = kernel.first_address // 8 * kernel.taps + kernel.byte_offset if kernel else 0
    return layer_cycles(
        LayerTiming(
            rows=scale * rows,
            columns=scale * columns,
            out_columns=setup.out_shape[1],
            pad_rows=kernel.pad_rows if kernel else 0,
            pad_columns=kernel.pad_columns if kernel else 0,
            kernel_rows=kernel.rows if kernel else 1,
            kernel_columns=kernel.columns if kernel else 1,
            pool_size=pool.rows * pool.columns,
            in_passes=setup.read.passes,
            out_passes=setup.write.n_passes,
            operands=setup.read.operands,
            kernels=setup.n_columns,
            kernel_start=start_byte // kernel_word_bytes,
            time_slots=setup.write.n_slots,
            is_passthrough=kernel is None,
            is_pooled_first=pool.is_pooled_first,
            is_streaming=setup.read.ring_words > 0,
            is_long_flatten=kernel is not None and setup.read.passes > SHORT_PASSES,
        )
    )
