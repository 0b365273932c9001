"""What people at the desk do: one function for each, whichever door they come through."""
