"""Keypoints: where are the points of the one object in a picture? By heat maps, or by numbers."""
