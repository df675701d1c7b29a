"""Addresses of repositories, and which machines may be asked."""

from collections.abc import Sequence

import pytest

from adapters.addresses import Resolve, is_public, pinned, resolve, resolve_public, resolver
from adapters.git.address import parse_remote
from adapters.source import SourceRefused, SourceUnreachable

HOSTS = ["github.com", "gitlab.com", "git.example.org:8443"]


@pytest.mark.parametrize(
    ("typed", "location", "fetched"),
    [
        ("deepset-ai/haystack", "https://github.com/deepset-ai/haystack", "https://github.com/deepset-ai/haystack.git"),
        (" https://GitHub.com/o/n.git/ ", "https://github.com/o/n", "https://github.com/o/n.git"),
        ("https://gitlab.com/g/sub/n", "https://gitlab.com/g/sub/n", "https://gitlab.com/g/sub/n.git"),
        ("https://git.example.org:8443/n", "https://git.example.org:8443/n", "https://git.example.org:8443/n"),
        ("https://github.com:443/o/.github", "https://github.com/o/.github", "https://github.com/o/.github.git"),
    ],
)
def test_addresses_that_may_be_followed(typed: str, location: str, fetched: str) -> None:
    """owner/name means GitHub; an https address of an allowed host is taken; '.git' is not part of the name."""
    remote = parse_remote(typed, allowed_hosts=HOSTS)

    assert (location, fetched) == (remote.location, remote.fetch_url)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "haystack",
        "http://github.com/o/n",
        "git://github.com/o/n",
        "ssh://git@github.com/o/n",
        "git@github.com:o/n",
        "file:///etc",
        "/etc",
        "C:\\repos\\n",
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch /tmp/x",
        "-c/core.sshCommand",
        "https://user:secret@github.com/o/n",
        "https://github.com@evil.example/o/n",
        "https://github.com/o/n?ref=main",
        "https://github.com/o/n#main",
        "https://github.com/../n",
        "https://github.com/o/..",
        "https://github.com/o/%2e%2e/n",
        "https://github.com/-o/n",
        "https://github.com/o/n\n--upload-pack=x",
        "https://github.com.evil.example/o/n",
        "https://evil.example/o/n",
        "https://github.com:8443/o/n",
        "https://git.example.org/n",
        "https://gıthub.com/o/n",
        "https://127.0.0.1/o/n",
        "https://[::1]/o/n",
        "https://github.com:99999/o/n",
        "https://github.com",
        "https:///o/n",
    ],
)
def test_addresses_that_are_refused(typed: str) -> None:
    """Anything that is not a plain https address of an allowed host is refused, options and other schemes too."""
    with pytest.raises(SourceRefused):
        parse_remote(typed, allowed_hosts=HOSTS)


@pytest.mark.parametrize(
    ("typed", "location", "fetched"),
    [
        ("git@git.acme.org:o/n.git", "https://git.acme.org/o/n", "ssh://git@git.acme.org:22/o/n.git"),
        ("ssh://git@git.acme.org/o/n", "https://git.acme.org/o/n", "ssh://git@git.acme.org:22/o/n"),
        ("ssh://git.acme.org/o/n", "https://git.acme.org/o/n", "ssh://git@git.acme.org:22/o/n"),
        ("https://git.acme.org/o/n", "https://git.acme.org/o/n", "ssh://git@git.acme.org:22/o/n"),
        ("ssh://git@ssh.acme.org:2222/o/n", "ssh://ssh.acme.org:2222/o/n", "ssh://git@ssh.acme.org:2222/o/n"),
    ],
)
def test_hosts_that_are_asked_over_ssh(typed: str, location: str, fetched: str) -> None:
    """However the address is written; what is stored can be read again."""
    hosts = ["git.acme.org", "ssh.acme.org:2222"]
    remote = parse_remote(typed, allowed_hosts=hosts, ssh_hosts=hosts)

    assert (location, fetched) == (remote.location, remote.fetch_url)
    assert remote.location == parse_remote(remote.location, allowed_hosts=hosts, ssh_hosts=hosts).location


@pytest.mark.parametrize(
    "typed",
    [
        "ssh://git@github.com/o/n",
        "git@github.com:o/n",
        "ssh://root@git.acme.org/o/n",
        "ssh://git:secret@git.acme.org/o/n",
        "ssh://git@evil@git.acme.org/o/n",
        "ssh://-oProxyCommand=x/o/n",
        "git@git.acme.org:/etc/passwd",
        "git@git.acme.org:../n",
        "git@-oProxyCommand=x:o/n",
        "ssh://git@git.acme.org:2222/o/n",
        "https://user:secret@git.acme.org/o/n",
    ],
)
def test_ssh_opens_no_other_way(typed: str) -> None:
    """Hosts that are not asked over ssh, other people, passwords, options and other ports are refused."""
    with pytest.raises(SourceRefused):
        parse_remote(typed, allowed_hosts=["github.com", "git.acme.org"], ssh_hosts=["git.acme.org"])


@pytest.mark.parametrize("inside", ["git.acme.org", "git.acme.org:8443"])
async def test_a_host_of_the_operators_own_network_may_lie_inside(inside: str) -> None:
    """By its name, with its port or without; every other host must be public."""
    find = resolver(inside_hosts=[inside], ask=answering("10.0.0.7"))

    assert ["10.0.0.7"] == list(await find("git.acme.org", 8443))
    with pytest.raises(SourceRefused, match="public internet"):
        await find("github.com", 8443)


async def test_a_name_that_leads_elsewhere_at_the_next_look_is_refused_then() -> None:
    """Rebinding: each call is pinned to the addresses of its own look, and each look is checked."""
    answers = iter((["140.82.121.4"], ["140.82.121.4", "127.0.0.1"], ["169.254.169.254"]))

    async def changing(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    find = resolver(ask=changing)
    first = await find("github.com", 443)

    assert "github.com:443:140.82.121.4" == pinned("github.com", 443, first)
    for _ in range(2):
        with pytest.raises(SourceRefused, match="public internet"):
            await find("github.com", 443)


def test_refusal_keeps_a_password_to_itself() -> None:
    """An address with a password is refused without repeating it."""
    with pytest.raises(SourceRefused) as refused:
        parse_remote("https://user:hunter2@github.com/o/n", allowed_hosts=HOSTS)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "not an address",
    ],
)
def test_addresses_inside_are_not_public(address: str) -> None:
    """Loopback, private, link-local, shared, multicast and wrapped addresses are not the public internet."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["140.82.121.4", "2606:50c0:8000::154", "::ffff:140.82.121.4", "64:ff9b::8c52:7904"]
)
def test_public_addresses(address: str) -> None:
    """Addresses of the public internet pass, wrapped ones by what is inside."""
    assert is_public(address)


def answering(*addresses: str) -> Resolve:
    """A resolver that says the same of every host."""

    async def ask(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return ask


async def test_every_address_of_a_host_must_be_public() -> None:
    """One address inside among public ones is enough to refuse the host."""
    with pytest.raises(SourceRefused, match="public internet"):
        await resolve_public("evil.example", 443, ask=answering("140.82.121.4", "127.0.0.1"))


async def test_host_without_address_is_refused() -> None:
    """A resolver that says nothing gives nothing to dial."""
    with pytest.raises(SourceRefused):
        await resolve_public("empty.example", 443, ask=answering())


async def test_public_host_is_resolved() -> None:
    """The checked addresses are those that git is given."""
    assert ["140.82.121.4"] == list(await resolve_public("github.com", 443, ask=answering("140.82.121.4")))


async def test_unknown_host_is_unreachable() -> None:
    """A name that does not resolve may resolve later."""
    with pytest.raises(SourceUnreachable):
        await resolve("no such host", 443)


def test_pinning_names_host_port_and_addresses() -> None:
    """Git is told host, port and addresses; IPv6 in brackets."""
    assert "github.com:443:140.82.121.4,[2606:50c0::1]" == pinned("github.com", 443, ["140.82.121.4", "2606:50c0::1"])
