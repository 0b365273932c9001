"""The API of the desk: the same values as its pages, for programs."""
