"""Fundwatch: watch flagged blockchain addresses, record every movement, tell people."""

__version__ = "0.2.0"
