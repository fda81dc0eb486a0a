"""Where everything lives: processors, data memory, kernel memory, bias memory."""
