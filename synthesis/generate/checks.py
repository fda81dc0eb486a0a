"""What the options of a register program ask of a network: refusals. Nothing is generated here."""

from max78000.errors import ToolError, UnsupportedError, raise_all
from synthesis.generate.options import ProgramOptions
from synthesis.graph.ir import Graph, PoolKind


def check_options(graph: Graph, options: ProgramOptions) -> None:
    """Find out whether these options and this network go together.

    Raises:
        UnsupportedError: averages along a line are to be rounded (rule L11).
    """
    problems: list[ToolError] = []
    # Quirk average-lines: the vendor's known answers of one dimension ignore the option.
    for layer in graph.layers if options.round_average else ():
        if layer.is_1d and layer.pool.kind is PoolKind.AVERAGE and layer.pool.has_window:
            why = "averages along a line with --avg-pool-rounding: what the chip gives is not known"
            fix = "leave the option out, and train with averages that are cut; or use max_pool"
            problems.append(UnsupportedError(why, where=layer.where, fix=fix, rule="L11"))
    raise_all(problems)
