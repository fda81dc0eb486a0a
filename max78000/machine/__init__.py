"""The simulated accelerator: executes register programs from registers and memories alone.

The files from bottom to top: `memory` (what is stored), `bus` (by address), `decode` (registers to
`LayerSetup`), `places` (where results go), `ops` (integer tensors), `engine` (one layer), `timing`
(cycles), `gather` (byte planes for software), `answer` (results and known answer), `machine` (the
whole), `state` (recorded stores).
"""

from max78000.machine.machine import Machine, RunResult
from max78000.machine.memory import MachineFault

__all__ = ["Machine", "MachineFault", "RunResult"]
