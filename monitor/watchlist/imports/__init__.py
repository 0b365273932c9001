"""Lists of others, row by row, as entries. Pure."""
