"""The rules of the desk: who may what, what needs a second person, clocks. Pure."""
