"""The compiler's front door: one network by `network.py`, several in one firmware by `together.py`.

    from synthesis import compile_network

    network = compile_network("networks/digit_net.yaml", "digit_net-q.pth.tar", picture)
    (scores,) = network.machine().predict(another)  # bit for bit what the chip computes
    network.write("build/digit_net")

The command line comes in by `compile_files`, Python by `compile_network`, which makes a request of
files or values: both get the same warnings, refusals and advice. Computes nothing of its own: the
stages are in `compile`, the simulated accelerator is in `max78000`.
"""

from synthesis.api.network import (
    CompiledNetwork,
    Request,
    compile_files,
    compile_network,
    report_files,
)

__all__ = ["CompiledNetwork", "Request", "compile_files", "compile_network", "report_files"]
