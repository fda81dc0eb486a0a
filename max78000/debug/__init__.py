"""A model of the debug port: what a probe meets on the way to the virtual board."""
