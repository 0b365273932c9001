"""What people and programs read of a trace. Pure."""
