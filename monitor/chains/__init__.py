"""All that differs by chain and family of chains: addresses, what they stand for. Pure."""
