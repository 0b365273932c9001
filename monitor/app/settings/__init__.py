"""config/*.yaml and the environment as values."""
