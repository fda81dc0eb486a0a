"""Poses as both sides see them: the skeleton's tables, people, pictures in and drawings out."""
