"""Rendered people with their keypoints."""
