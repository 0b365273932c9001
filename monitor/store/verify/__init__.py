"""Holds the log against itself, and the record against the log."""
