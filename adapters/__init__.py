"""Words of our own for chat networks and code sources, and one folder for each of them."""
