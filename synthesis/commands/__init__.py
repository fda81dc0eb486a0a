"""The command `synthesize` and its options."""
