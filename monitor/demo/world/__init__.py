"""The invented world: ledgers, and explorers that serve them."""
