"""Files made into passages with vectors, in the process itself or in worker processes."""
