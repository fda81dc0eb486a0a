"""Emitted C of what stands behind the accelerator, compiled for this machine and called."""

import ctypes

import numpy as np
from native_build import build_native

from synthesis.emit.c_template import c_template
from synthesis.emit.finish import finish_text
from synthesis.finish.plan import make_plan

BANNER = {"name": "net", "chip": "MAX78000", "version": "0", "provenance": ()}


class NativeFinish:
    """Several finishes in one library, each under a number."""

    def __init__(self, finishes, folder):
        self.finishes = finishes
        sources = []
        for number, (finish, results) in enumerate(finishes):
            text = finish_text(make_plan(finish, [one for one, _ in results]))
            home = folder / f"f{number}"
            home.mkdir()
            for name in ("cnn_finish.h", "cnn_finish.c"):
                (home / name).write_text(c_template(name).render(BANNER, finish=text))
            names = f'#define cnn_finish finish_{number}\n#include "f{number}/cnn_finish.c"\n'
            sources.append(folder / f"f{number}.c")
            sources[-1].write_text(names)
        flags = ("-O1", "-ffp-contract=off")
        self.library = build_native(folder / "finish.so", sources, *flags)

    def answers(self, number, words):
        """The members of the answers."""
        finish, _ = self.finishes[number]
        sizes = [int(np.prod(step.shape)) for step in finish.results]
        memory = np.full(sum(sizes) + 1, np.nan, np.float32)
        buffer = np.ascontiguousarray(words)
        self.library[f"finish_{number}"](
            ctypes.c_void_p(buffer.ctypes.data), ctypes.c_void_p(memory.ctypes.data)
        )
        assert np.isnan(memory[-1])
        found, first = {}, 0
        for step, size in zip(finish.results, sizes, strict=True):
            part = memory[first : first + size]
            is_index = type(step.step).__name__ == "Argmax"
            found[step.name] = (part.view(np.int32) if is_index else part).reshape(step.shape)
            first += size
        return found
