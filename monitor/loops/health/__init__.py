"""Whether Fundwatch is well, and how that is told."""
