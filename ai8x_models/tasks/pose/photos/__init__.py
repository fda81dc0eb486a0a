"""Photographs for pose networks: an album of pictures, views of them, and what is never in it."""
