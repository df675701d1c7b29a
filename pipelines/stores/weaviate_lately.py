"""Which projects this process has used lately, so that not too many lie awake on the server at once."""

from collections import OrderedDict

from pipelines.stores.weaviate_projects import Held


class Lately:
    """The projects that are awake as far as this process knows, the one that was used longest ago first."""

    def __init__(self, most: int) -> None:
        """Allow so many; 0 is any number."""
        self._most = most
        self._held: OrderedDict[str, Held] = OrderedDict()

    def used(self, held: Held) -> list[Held]:
        """Note that a project is used, and give those that are to rest for it: none that somebody uses now."""
        self._held[held.project] = held
        self._held.move_to_end(held.project)
        surplus = len(self._held) - self._most if self._most else 0
        if surplus <= 0:
            return []
        idle = [one for one in self._held.values() if one is not held and not one.is_used][:surplus]
        for one in idle:
            del self._held[one.project]
        return idle
