"""Placed graph -> register program."""
