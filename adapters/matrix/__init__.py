"""Matrix: rooms of any homeserver, encrypted or not, by the client-server API."""
