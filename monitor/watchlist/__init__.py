"""What people write about addresses. Pure, but for file.py."""
