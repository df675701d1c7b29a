"""Where the emulator is."""


class Place:
    """An address. `host` is "localhost:PORT", known once it listens."""

    def __init__(self) -> None:
        self.host = ""

    @property
    def url(self) -> str:
        """The address that pages have, without a slash at the end."""
        return f"https://{self.host}"

    @property
    def api(self) -> str:
        """The address of the REST interface."""
        return f"{self.url}/api/v3"
