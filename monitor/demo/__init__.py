"""A little world to try Fundwatch on: chains in memory, a local explorer, a story."""
