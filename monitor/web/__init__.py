"""What `fundwatch run` serves where `listen` says: health, metrics, the page of a link."""
