"""A trace as a picture: what is shown and summed (fold), where it stands (layout), how it is drawn
(draw), the same in words (words.alt), and as PNG (png)."""
