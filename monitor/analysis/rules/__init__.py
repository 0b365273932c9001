"""One rule a file: what is unusual about an alert. Pure."""
