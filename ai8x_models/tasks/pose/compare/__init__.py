"""Pose networks side by side: what they take of the chip, and what they see."""
