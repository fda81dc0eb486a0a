"""What an application knows of its network, as C: the project's `network.c`.

The types are in `max78000/apps/shared/network.h`. Same network, same bytes.
"""

from collections.abc import Iterable, Iterator

from max78000.apps.new.facts import AppNetwork, fifo_status_addr
from max78000.facts.chip import MAX78000
from max78000.program.strict_json import hex_word

PER_LINE = 16

HEAD = """\
/*
 * {name}: what the application has to know of the network. Written by `max78000 new`; the types are
 * in network.h of the toolchain.
 */

#include <stddef.h>

#include "mxc.h"
#include "cnn.h"
{finish_header}#include "network.h"

volatile uint32_t cnn_time; /* set by the interrupt of the accelerator */

static uint32_t unloaded[CNN_UNLOAD_WORDS];
"""


def network_c(net: AppNetwork, n_raw_bytes: int = 0) -> str:
    """Make the file.

    Args:
        net: the network.
        n_raw_bytes: room for a picture or a recording; 0 for none.
    """
    header = '#include "cnn_finish.h"\n' if net.has_finish else ""
    parts = [
        HEAD.format(name=net.name, finish_header=header),
        *_answer(net),
        *_input(net),
        *_form(net),
        _labels(net),
        _last_layers(net),
        f"static uint32_t raw[{-(-n_raw_bytes // 4)}];\n" if n_raw_bytes else "",
        _value(net, "raw" if n_raw_bytes else "NULL"),
    ]
    return "\n".join(filter(None, parts))


def _answer(net: AppNetwork) -> Iterator[str]:
    if net.has_finish:
        yield "static cnn_finish_t finished;\n"
    finish = "    cnn_finish(unloaded, &finished);\n" if net.has_finish else ""
    yield f"static void answer(void)\n{{\n    cnn_unload(unloaded);\n{finish}}}\n"


def _input(net: AppNetwork) -> Iterator[str]:
    for index, block in enumerate(net.blocks):
        yield _array("int16_t", f"channels_{index}", map(str, block.channels))
    rows = (
        f"    {{ {hex_word(block.addr)}u, channels_{index}, 0x{block.fifo_full:x} }},\n"
        for index, block in enumerate(net.blocks)
    )
    yield f"static const network_block_t blocks[] = {{\n{''.join(rows)}}};\n"
    if net.is_fifo:
        yield f"static uint32_t staged[{len(net.blocks) * net.n_words}];\n"


def _form(net: AppNetwork) -> Iterator[str]:
    if net.levels is not None:
        rows = ("    {\n" + _lines(map(str, row), 8) + "    },\n" for row in net.levels)
        yield f"static const int8_t levels[][256] = {{\n{''.join(rows)}}};\n"


def _labels(net: AppNetwork) -> str:
    if not net.facts.classes:
        return ""
    return _array("char *const", "labels", map(_quoted, net.facts.classes), per_line=1)


def _last_layers(net: AppNetwork) -> str:
    return _array(
        "uint32_t", "last_layer_addrs", (*(f"{hex_word(a)}u" for a in net.last_layer_addrs), "0")
    )


def _value(net: AppNetwork, raw: str) -> str:
    answer = net.answer
    zero, scale, rate = _recording(net)
    channels, rows, columns = net.shape
    finished = ("&finished", "sizeof(finished)") if net.has_finish else ("NULL", "0")
    labels = ("labels", len(net.facts.classes)) if net.facts.classes else ("NULL", 0)
    status = f"{hex_word(fifo_status_addr(MAX78000))}u" if net.is_fifo else "0"
    return f"""\
const network_t network = {{
    .name = {_quoted(net.name)},
    .checksum = {hex_word(net.checksum)}u,
    .input = {{
        .channels = {channels},
        .rows = {rows},
        .columns = {columns},
        .fold = {net.fold},
        .words_per_pixel = {net.words_per_pixel},
        .is_planar = {str(net.is_planar).lower()},
        .n_blocks = {len(net.blocks)},
        .n_words = {net.n_words},
        .blocks = blocks,
        .fifo_status = {status},
        .staged = {"staged" if net.is_fifo else "NULL"},
    }},
    .form = {{
        .levels = {"levels" if net.levels else "NULL"},
        .zero = {zero},
        .scale = {scale},
        .rate = {rate},
    }},
    .output = {{
        .finished = {finished[0]},
        .n_finished_bytes = {finished[1]},
        .values = {"&finished" if net.has_finish else "unloaded"},
        .n_values = {answer.n_values},
        .kind = VALUES_{answer.kind},
        .unit = {_real(answer.unit)},
        .labels = {labels[0]},
        .n_labels = {labels[1]},
    }},
    .last_layer_addrs = last_layer_addrs,
    .last_layer = {net.last_layer},
    .energy_uj = {net.energy_uj},
    .raw = {raw},
    .enable = cnn_enable,
    .init = cnn_init,
    .load_weights = cnn_load_weights,
    .load_bias = cnn_load_bias,
    .configure = cnn_configure,
    .start = cnn_start,
    .answer = answer,
    .time_us = &cnn_time,
}};
"""


def _recording(net: AppNetwork) -> tuple[str, str, int]:
    """Zero and scale of recordings, and their rate; the rate is 0 for a network of others."""
    rate = int(net.form.get("rate", 0))
    if not rate:
        return "0.0f", "0.0f", 0
    low, high = net.form["low"], net.form["high"]
    step = (high - low) / 255
    zero = (*net.form["mean"], low + 128 * step)[0]
    return _real(zero), _real(255 / (high - low)), rate


def _real(value: float) -> str:
    """A number that loses nothing."""
    return f"{value.hex()}f"


def _quoted(text: str) -> str:
    escaped = "".join(_escaped(byte) for byte in text.encode())
    return f'"{escaped}"'


def _escaped(byte: int) -> str:
    """Octal for what is no plain character: three digits, so that nothing that follows joins in."""
    char = chr(byte)
    return char if 32 <= byte < 127 and char not in '"\\?' else f"\\{byte:03o}"


def _array(kind: str, name: str, values: Iterable[str], per_line: int = PER_LINE) -> str:
    return f"static const {kind} {name}[] = {{\n{_lines(values, 4, per_line)}}};\n"


def _lines(values: Iterable[str], indent: int, per_line: int = PER_LINE) -> str:
    items = tuple(values)
    rows = (items[start : start + per_line] for start in range(0, len(items), per_line))
    return "".join(f"{' ' * indent}{', '.join(row)},\n" for row in rows)
