"""Detection: which things are in a picture, and where? Boxes, by networks of the SSD kind."""
