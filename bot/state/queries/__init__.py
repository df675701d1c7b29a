"""Reads and writes of the state database by subject. Nothing here commits: `Database.write` does."""
