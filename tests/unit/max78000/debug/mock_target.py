"""A target in a dictionary: remembers what the debug port did to it, executes nothing."""

from max78000.errors import BoardError

RAM_ADDR, RAM_BYTES = 0x2000_0000, 0x2000


class MockTarget:
    """Implements `Target`; `calls` lists halt, resume, step and reset in order."""

    def __init__(self):
        self.ram = bytearray(RAM_BYTES)
        self.registers = {}
        self.calls = []
        self.breakpoints = frozenset()
        self.is_halted = False
        self.on_slice = lambda: None

    def halt(self):
        self.calls.append("halt")
        self.is_halted = True

    def resume(self):
        self.calls.append("resume")
        self.is_halted = False

    def step(self):
        self.calls.append("step")

    def run_slice(self):
        self.on_slice()

    def reset(self, *, is_halting):
        self.calls.append("reset halt" if is_halting else "reset run")
        self.is_halted = is_halting

    def read_memory(self, addr, n_bytes):
        self._check(addr, n_bytes)
        return bytes(self.ram[addr - RAM_ADDR :][:n_bytes])

    def write_memory(self, addr, data):
        self._check(addr, len(data))
        self.ram[addr - RAM_ADDR : addr - RAM_ADDR + len(data)] = data

    def _check(self, addr, n_bytes):
        if not RAM_ADDR <= addr <= addr + n_bytes <= RAM_ADDR + RAM_BYTES:
            raise BoardError("nothing answers", where=f"address {addr:#010x}")

    def read_register(self, number):
        return self.registers.get(number, 0)

    def write_register(self, number, value):
        self.registers[number] = value

    def set_breakpoints(self, addrs):
        self.breakpoints = addrs
