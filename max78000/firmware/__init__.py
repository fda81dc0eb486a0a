"""The board support package in C, and how a project is built with it."""
