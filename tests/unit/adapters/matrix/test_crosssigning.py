"""How our account comes to sign our device, and when it does not."""

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Unreachable
from adapters.matrix.crosssigning import CrossSigning, State
from adapters.matrix.identity import Identity, keep_identity
from adapters.matrix.sealed import SealedFile
from adapters.matrix.signing import is_signed_by
from bot.state.vault import Vault
from tests.fakes.matrix_keys import USER, KeyServer, own_device

PASSWORD = [["m.login.password"]]


@pytest.fixture
def file(tmp_path: Path) -> SealedFile:
    """Where the keys of the account are kept."""
    return SealedFile(tmp_path / "account" / "identity", Vault([Fernet.generate_key().decode()]), "identity")


async def test_a_first_start_signs_the_device_so_that_a_strict_client_can_check_it(file: SealedFile) -> None:
    """Master signs self-signing, self-signing signs the device, and the device signs the master."""
    server, device = KeyServer(own_device()), own_device()

    standing = await CrossSigning(server, device, file).sign()

    (master,) = server.keys["master_key"]["keys"].values()
    (signing,) = server.keys["self_signing_key"]["keys"].values()
    made = server.keys["self_signing_key"]["signatures"][USER][f"ed25519:{master}"]
    by_account = server.devices["DEVICE"]["signatures"][USER][f"ed25519:{signing}"]
    by_device = server.keys["master_key"]["signatures"][USER]["ed25519:DEVICE"]

    assert State.SIGNED is standing.state
    assert is_signed_by(master, server.keys["self_signing_key"], made)
    assert is_signed_by(signing, server.devices["DEVICE"], by_account)
    assert is_signed_by(device.ed25519, server.keys["master_key"], by_device)


async def test_no_key_or_signature_that_is_uploaded_is_padded(file: SealedFile) -> None:
    """Rust clients drop padded ones silently."""
    server = KeyServer(own_device())

    await CrossSigning(server, own_device(), file).sign()

    assert "=" not in json.dumps([server.keys, server.devices])


async def test_a_second_start_changes_nothing(file: SealedFile) -> None:
    """The keys on the server stay, and only the question is asked."""
    server = KeyServer(own_device())
    await CrossSigning(server, own_device(), file).sign()
    before, server.asked = json.dumps(server.keys), []

    standing = await CrossSigning(server, own_device(), file).sign()

    assert (State.SIGNED, before, ["/keys/query"]) == (standing.state, json.dumps(server.keys), server.asked)


@pytest.mark.parametrize("cut", ["/keys/device_signing/upload", "/keys/signatures/upload"])
async def test_a_first_start_that_is_cut_off_goes_on_with_the_same_keys(file: SealedFile, cut: str) -> None:
    """The keys are on the disk before the server hears of them."""
    server = KeyServer(own_device())
    server.cut = [cut]
    with pytest.raises(Unreachable):
        await CrossSigning(server, own_device(), file).sign()
    begun, server.cut = file.read(), []

    standing = await CrossSigning(server, own_device(), file).sign()

    assert State.SIGNED is standing.state
    assert begun is not None
    assert json.loads(begun)["seeds"] == json.loads(file.read() or "")["seeds"]


async def test_the_keys_lie_sealed_and_for_their_owner_only(file: SealedFile) -> None:
    """A copy of the data folder gives them to nobody."""
    await CrossSigning(KeyServer(own_device()), own_device(), file).sign()

    assert 0o600 == file.path.stat().st_mode & 0o777
    assert 0o700 == file.path.parent.stat().st_mode & 0o777
    assert "seeds" not in file.path.read_text("ascii")


async def test_an_identity_that_a_person_made_is_never_replaced(file: SealedFile) -> None:
    """Nothing is uploaded, and the way out is said."""
    server, theirs = KeyServer(own_device()), Identity.made_for(USER)
    server.adopt(theirs)

    standing = await CrossSigning(server, own_device(), file).sign(password="right")

    assert State.FOREIGN is standing.state
    assert f"/verify DEVICE {own_device().ed25519}" in standing.cure
    assert (["/keys/query"], None) == (server.asked, file.read())


async def test_a_device_that_a_persons_identity_has_signed_is_signed(file: SealedFile) -> None:
    """As by /verify in Element: strict clients ask for no more."""
    server, theirs = KeyServer(own_device()), Identity.made_for(USER)
    server.adopt(theirs)
    server.devices["DEVICE"]["signatures"] = theirs.signed_device(own_device())["signatures"]

    standing = await CrossSigning(server, own_device(), file).sign()

    assert (State.SIGNED, None) == (standing.state, file.read())


async def test_a_signing_key_that_the_accounts_master_key_has_not_signed_signs_nothing(file: SealedFile) -> None:
    """A server could put in one of its own."""
    server, theirs, servers = KeyServer(own_device()), Identity.made_for(USER), Identity.made_for(USER)
    server.adopt(theirs)
    server.keys["self_signing_key"] = servers.published()["self_signing_key"]
    server.devices["DEVICE"]["signatures"] = servers.signed_device(own_device())["signatures"]

    assert State.FOREIGN is (await CrossSigning(server, own_device(), file).look()).state


async def test_an_identity_that_a_person_makes_while_we_are_asked_for_the_password_is_not_replaced(
    file: SealedFile,
) -> None:
    """The password goes out only after another look."""
    server = KeyServer(own_device(), flows=PASSWORD)
    server.while_asking_for_auth = theirs = Identity.made_for(USER)

    standing = await CrossSigning(server, own_device(), file).sign(password="right")

    assert State.FOREIGN is standing.state
    assert theirs.master in server.keys["master_key"]["keys"].values()


async def test_an_identity_that_was_ours_and_is_another_now_is_told_as_replaced(file: SealedFile) -> None:
    """It happened behind our back, so it is worth another sentence than an old one."""
    server = KeyServer(own_device())
    await CrossSigning(server, own_device(), file).sign()
    server.adopt(Identity.made_for(USER))

    standing = await CrossSigning(server, own_device(), file).look()

    assert State.REPLACED is standing.state


async def test_the_password_is_sent_only_when_the_server_asks(file: SealedFile) -> None:
    """Without one it is said that it is wanted; a wrong one is said to be wrong."""
    server = KeyServer(own_device(), flows=[["m.login.sso"], ["m.login.password"]])
    signing = CrossSigning(server, own_device(), file)

    states = [(await signing.sign(password=password)) for password in ("", "wrong", "right")]

    assert [State.LOCKED, State.LOCKED, State.SIGNED] == [standing.state for standing in states]
    assert "did not accept" in states[1].detail


async def test_a_server_that_takes_no_password_is_told_apart(file: SealedFile) -> None:
    """Then a person must go where accounts are managed."""
    server = KeyServer(own_device(), flows=[["org.matrix.cross_signing_reset"]])

    standing = await CrossSigning(server, own_device(), file).sign(password="right")

    assert State.LOCKED is standing.state
    assert "allow the reset" in standing.cure


async def test_a_device_whose_keys_are_others_on_the_server_is_not_signed(file: SealedFile) -> None:
    """A server could have its own device signed by us that way."""
    server = KeyServer(own_device())
    server.devices["DEVICE"]["keys"]["curve25519:DEVICE"] = "another"

    standing = await CrossSigning(server, own_device(), file).sign()

    assert (State.OTHER_KEYS, {}) == (standing.state, server.keys)


async def test_a_device_that_the_server_does_not_have_is_not_signed(file: SealedFile) -> None:
    """Its keys are uploaded first."""
    standing = await CrossSigning(KeyServer(), own_device(), file).sign()

    assert State.NOT_UPLOADED is standing.state


async def test_a_new_device_of_the_account_is_signed_by_the_keys_that_are_there(file: SealedFile) -> None:
    """After a login anew people see no change of identity."""
    server = KeyServer(own_device())
    await CrossSigning(server, own_device(), file).sign()
    server.put(own_device("NEW"))
    master = server.keys["master_key"]["keys"]

    standing = await CrossSigning(server, own_device("NEW"), file).sign()

    assert (State.SIGNED, master) == (standing.state, server.keys["master_key"]["keys"])


async def test_a_signature_that_is_none_is_made_anew(file: SealedFile) -> None:
    """A server may send anything in its place."""
    server = KeyServer(own_device())
    await CrossSigning(server, own_device(), file).sign()
    made = server.devices["DEVICE"]["signatures"][USER]
    made.update(dict.fromkeys(made, "AAAA"))

    standing = await CrossSigning(server, own_device(), file).look()

    assert State.UNSIGNED is standing.state
    assert State.SIGNED is (await CrossSigning(server, own_device(), file).sign()).state


async def test_keys_that_do_not_open_are_never_made_anew(file: SealedFile) -> None:
    """With another key file the old ones would be orphaned."""
    keep_identity(file, Identity.made_for(USER))
    other = SealedFile(file.path, Vault([Fernet.generate_key().decode()]), file.place)
    server, before = KeyServer(own_device()), file.path.read_bytes()

    standing = await CrossSigning(server, own_device(), other).sign()

    assert (State.UNOPENABLE, before, {}) == (standing.state, file.path.read_bytes(), server.keys)


@pytest.mark.parametrize("odd", [None, [], "x", {"device_keys": []}, {"device_keys": {USER: {"DEVICE": "x"}}}])
async def test_an_odd_answer_signs_nothing(file: SealedFile, odd: object) -> None:
    """It is as if the server had no keys of ours."""

    class Odd(KeyServer):
        async def call(self, _method: str, _path: str, _body: object = None) -> object:
            return odd

    assert State.NOT_UPLOADED is (await CrossSigning(Odd(), own_device(), file).sign()).state


def test_an_identity_shows_no_seed() -> None:
    """Not when it is printed, either."""
    identity = Identity.made_for(USER)

    assert not any(repr(seed)[2:8] in repr(identity) for seed in identity.seeds.values())
