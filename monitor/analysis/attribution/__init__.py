"""How much of what moves is traced, by six methods side by side. Pure."""
