"""What runs: reading, deciding, telling, again and again."""
