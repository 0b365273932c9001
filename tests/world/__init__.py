"""What the tests stand on: invented chains, real nodes, servers and homes. Holds no test."""
