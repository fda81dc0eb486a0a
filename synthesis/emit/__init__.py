"""Register program -> C project."""
