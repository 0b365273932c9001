"""The only room that opens connections: to explorers, price sources and receivers."""
