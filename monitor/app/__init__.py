"""The composition root: the only room that picks real sources, channels and the record."""
