"""What the record says after the fact. Pure."""
