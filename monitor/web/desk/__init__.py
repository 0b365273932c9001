"""The desk: pages for people without a shell, in a process of their own."""
