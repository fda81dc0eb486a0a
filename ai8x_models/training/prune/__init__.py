"""Structured pruning: a trained network loses its least important channels."""
