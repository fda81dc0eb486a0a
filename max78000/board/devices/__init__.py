"""The peripherals of the virtual board, one file each; `table` says where each is in the chip.

To add one:

1. A file with the table of its registers (`registers.Word`, offsets and reset values with their
   source) and a class of `registers.RegisterBlock` that takes `(place, around)`: its row and what
   it may reach. `loaded` and `stored` say what registers do; `asserted` which interrupt lines are
   up and `requests` which DMA requests are (one bit for each of the row's `irqs` and `requests`).
2. Time: `around.timeline.at(...)` for what happens later, with `is_alarm` if it may interrupt; an
   event is kept and cancelled by `reset`. `end_polling` when a load took something from a queue.
3. What silicon would pass over in silence: `self.object_to(...)`, which a strict board refuses and
   a tolerant one counts; `self.fault(...)` is for what no board can go on with.
4. What is outside the chip comes from `around.world` (`world.World`), pins from `around.ports`.
5. A row in `table.TABLE`: address, clock gate, reset bit, interrupts, DMA requests.
6. A test in tests/unit/max78000/board, and a line in docs/hardware/board.md.
"""
