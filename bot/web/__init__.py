"""The HTTP side: pages, JSON API, health and metrics."""
