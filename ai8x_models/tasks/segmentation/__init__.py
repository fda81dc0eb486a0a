"""Segmentation: for every pixel of a picture, what it belongs to."""
