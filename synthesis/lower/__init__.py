"""A description and its weights to a graph."""
