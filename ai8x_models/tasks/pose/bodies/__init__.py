"""People as meshes: real proportions, captured motion, clothes, light, and exact labels."""
