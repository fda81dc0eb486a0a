"""Demands on one network: three answers agree, or a rule refuses it.

The answers are the interpreter's, the simulated accelerator's and PyTorch's. Shared by tests that
draw networks and tests that write them down.
"""

import numpy as np
from property.torch_answers import torch_answers

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.machine import Machine
from synthesis.compile import compile_source
from synthesis.generate.memories import output_map
from synthesis.generate.options import ProgramOptions
from synthesis.graph.interpret import compare
from synthesis.place.pack import output_columns

OPTIONS = ProgramOptions("random")


def compile_or_refuse(source):
    """Compile; a refusal has to name its rules and places, and nothing else may be raised."""
    try:
        return compile_source(source, OPTIONS, MAX78000)
    except ToolError as error:
        refusal = error
    problems = getattr(refusal, "problems", (refusal,))
    assert all(problem.rule and problem.where for problem in problems), str(refusal)
    return None


def require_three_answers(source, compiled):
    """Layers of the training side in integer mode, interpreter and accelerator agree."""
    by_torch = torch_answers(source, compiled.graph)
    difference = compare(compiled.graph, dict(enumerate(compiled.results)), by_torch)
    assert difference is None, f"interpreter and PyTorch: {difference}"
    assert len(by_torch) == len(compiled.results)
    require_agreement(compiled)


def require_agreement(compiled):
    """Interpreter and accelerator agree.

    Every layer's result in data memory, the outputs, the known answer and the time.
    """
    found: dict[int, np.ndarray] = {}

    def read_result(run):
        placed = compiled.placement.layers[run.setup.index]
        if placed.layer.index + 1 < compiled.graph.n_streaming:  # of a ring nothing remains
            result = run.output.values[output_columns(placed)].astype(np.int64)
        else:
            result = machine.read_output(output_map(placed, MAX78000))
        found[placed.layer.index] = result

    machine = Machine(MAX78000, trace=read_result)
    result = machine.run(compiled.program)
    difference = compare(compiled.graph, dict(enumerate(compiled.results)), found)
    assert difference is None, f"interpreter and accelerator: {difference}"
    assert len(found) == len(compiled.results)
    for output in compiled.program.outputs:
        assert (machine.read_output(output) == compiled.results[output.layer]).all()
    assert machine.check_known_answer(compiled.program) is None
    assert compiled.program.cycles is not None
    if not any(layer.flatten and layer.out_shape.channels == 1 for layer in compiled.graph.layers):
        assert result.cycles == compiled.program.cycles.total  # else registers do not tell it all
    assert result.is_estimate == compiled.program.cycles.is_estimate
