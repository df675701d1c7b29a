"""The steps between a file and an answer, each a small part that can be replaced."""
