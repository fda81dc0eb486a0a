"""A training checkpoint to an integer one, and its answers layer by layer."""
