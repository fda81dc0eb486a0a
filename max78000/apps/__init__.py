"""Applications: one folder each, with its C, its client in Python and its command."""
