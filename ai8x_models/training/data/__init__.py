"""Data of any network: arrays, pictures, functions of the user's, brought to the chip's numbers."""
