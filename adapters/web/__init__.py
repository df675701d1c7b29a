"""The web chat as a network: live connections only."""
