"""Following money through the record: what moved on, where it rests, what is asked next. Pure."""
