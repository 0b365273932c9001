"""What `fundwatch check` looks at."""
