"""Sources that are hidden in this process though their server has not taken that yet: it is away, full, or busy writing.

What has gone private must not be found from the moment on that somebody knows it. So hiding begins here, holds for every
search, and ends once the state on the server has it, or once the source is shown again.
"""


class Hiding:
    """The sources of each index, with the last call that hid each: only that one, written, may end it."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, object]] = {}

    def of(self, one: str) -> frozenset[str]:
        """The sources of an index that are hidden here."""
        return frozenset(self._calls.get(one, ()))

    def begin(self, one: str, source: str) -> object:
        """Hide a source; gives what stands for this call."""
        call = object()
        self._calls.setdefault(one, {})[source] = call
        return call

    def end(self, one: str, source: str, call: object = None) -> bool:
        """Let the state on the server say alone whether a source is hidden, and say whether that changes anything here.

        With `call`, only if none has hidden the source since.
        """
        calls = self._calls.get(one, {})
        if source not in calls or (call is not None and calls[source] is not call):
            return False
        del calls[source]
        if not calls:
            del self._calls[one]
        return True

    def forget(self, project: str) -> None:
        """Forget what is hidden of a project that is gone."""
        self._calls.pop(project, None)
