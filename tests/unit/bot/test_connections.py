"""What people and monitors are told about our accounts on the networks."""

from pathlib import Path

from adapters.chat import Probe
from bot.connections import Connections
from bot.metrics import Metrics
from bot.state.queries import installation
from tests.fakes.chat import FakeChat
from tests.fakes.state import NOW, open_database


class Conflicted(FakeChat):
    """A network on which somebody else uses our account."""

    async def probe(self) -> Probe:
        """Say so."""
        return Probe(is_up=False, detail="409: another program polls", facts={"privacy_mode": "on"})


def connections() -> Connections:
    """One network that is well, one that is not, and the web chat."""
    everywhere = (FakeChat(), Conflicted(network="telegram"), FakeChat(network="web", account="web"))
    return Connections({(one.network, one.account): one for one in everywhere})


async def test_each_network_has_a_line_with_its_facts() -> None:
    """The web chat has none: whoever reads this is connected."""
    lines = await connections().status_lines("en")

    assert 3 == len(lines)
    assert "connected" in lines[0]
    assert "**not connected**" in lines[1]
    assert "privacy_mode: on" in lines[2]


async def test_two_accounts_of_a_network_are_up_when_both_are() -> None:
    """The one that is down is shown, whichever comes first."""
    well, ill = FakeChat(network="telegram", account="1"), Conflicted(network="telegram", account="2")
    both = Connections({("telegram", "1"): well, ("telegram", "2"): ill})

    assert not await both.are_up()
    assert "409" in (await both.probes())["telegram"].detail


async def test_the_metrics_show_which_network_is_away(tmp_path: Path) -> None:
    """1 or 0 by network."""
    db = await open_database(tmp_path)
    await db.write(lambda session: installation.ensure(session, program="1.0", now=NOW))
    metrics = Metrics()
    metrics.follow_networks(connections().probes)
    body, _ = await metrics.exposition(db, now=NOW)
    await db.close()

    assert 'roomwise_network_up{network="fake"} 1.0' in body.decode()
    assert 'roomwise_network_up{network="telegram"} 0.0' in body.decode()
