"""What people and machines read: sheets of words, their layouts, objects for programs. Pure."""
