"""What a poll means: which rows are new, changed or gone, and what is told of it. Pure."""
