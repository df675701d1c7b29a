"""The gate: the table's meaning, walked over the whole product of actors and places."""

import itertools
import timeit
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actions import ACTIONS, RoomAdmin
from bot.commands.context import registry
from bot.rights import Actor, Decision, Kind, Place, Role, Way, decide, why_not_give
from config.texts import LANGUAGES, say

PROJECT = "p1"
NEVER_TAKEN_AWAY = {
    "help",
    "start",
    "about",
    "privacy",
    "developer_info",
    "delete me",
    "whoami",
    "press",
    "project list",
    "claim",
    "join",
}
STEERED_BY_ROOM_ADMINS = {"answer", "digest", "keep_files", "language", "project leave", "project redeem"}
FOR_OWNERS = {
    "jobs run",
    "metrics",
    "project new",
    "source add private",
    "token make",
    "token revoke",
    "admin_page",
    "audit",
    "stop",
}
FOR_THE_SHELL = {"backup", "login", "owner add", "restore"}
FOR_ASKERS = {"ask", "verify", "rate", "cancel", "reset", "read_turn"}


def _actor(role: Role, **more: object) -> Actor:
    roles = {} if role is Role.NOBODY else {"" if role is Role.OWNER else PROJECT: role}
    return Actor(person="ada", roles=roles, **more)  # type: ignore[arg-type]


def _place(kind: Kind = Kind.ROOM, **more: object) -> Place:
    return Place(**{"kind": kind, "room": "r", "project": PROJECT, **more})  # type: ignore[arg-type]


def _product() -> Iterator[tuple[str, Actor, Place]]:
    flags = list(itertools.product((False, True), repeat=4))
    for action, role, kind in itertools.product(ACTIONS, Role, Kind):
        for is_room_admin, is_public, is_open, is_muted in flags:
            place = _place(
                kind, is_public=is_public, has_private_source=True, is_open_to_guests=is_open, is_muted=is_muted
            )
            yield action, _actor(role, is_room_admin=is_room_admin), place


def test_whatever_is_allowed_has_one_of_the_few_reasons_to_be() -> None:
    """For every action, role, place and state of the room: no way in but those listed here."""
    for action, actor, place in _product():
        if not decide(actor, action, place).allowed:
            continue
        role = actor.role_in(PROJECT)
        open_here = place.is_open_to_guests and place.kind is Kind.ROOM
        assert (
            action in NEVER_TAKEN_AWAY
            or (action in STEERED_BY_ROOM_ADMINS and actor.is_room_admin and place.kind is Kind.ROOM)
            or (action in FOR_ASKERS and (role >= Role.MEMBER or open_here))
            or (role >= Role.MEMBER and min(rule.role for rule in ACTIONS[action]) is Role.MEMBER)
            or (role is Role.OWNER)
            or (role is Role.ADMIN and action not in FOR_OWNERS | FOR_THE_SHELL)
        ), (action, actor, place)


def test_a_higher_role_may_all_that_a_lower_one_may() -> None:
    """Nobody loses a right by being promoted."""
    for action, actor, place in _product():
        role = actor.role_in(PROJECT)
        if role is Role.OWNER or not decide(actor, action, place).allowed:
            continue
        higher = _actor(Role(role + 1), is_room_admin=actor.is_room_admin)
        assert decide(higher, action, place).allowed, (action, actor, place)


def test_a_room_administrator_has_no_right_to_a_project() -> None:
    """Only the room can be steered by being its administrator."""
    admin = _actor(Role.NOBODY, is_room_admin=True)

    allowed = {action for action in ACTIONS if decide(admin, action, _place()).allowed}
    assert STEERED_BY_ROOM_ADMINS | {a for a in NEVER_TAKEN_AWAY if decide(admin, a, _place()).allowed} == allowed


def test_a_banned_person_hears_nothing_at_all() -> None:
    """Not even why."""
    for action, role, kind in itertools.product(ACTIONS, Role, Kind):
        decision = decide(_actor(role, is_banned=True), action, _place(kind))
        assert (False, "") == (decision.allowed, decision.reason)


def test_a_stranger_learns_the_same_whether_a_project_exists_or_not() -> None:
    """Unknown and forbidden get the same words, in every place and for every action."""
    stranger = Actor(person="eve", roles={"another": Role.ADMIN})
    for action, kind in itertools.product(ACTIONS, Kind):
        known = decide(stranger, action, _place(kind, project=PROJECT, has_private_source=True, is_public=True))
        unknown = decide(stranger, action, _place(kind, project="no such project"))
        assert (known.allowed, known.reason) == (unknown.allowed, unknown.reason)


def test_a_right_to_one_project_is_none_to_another() -> None:
    """An admin of one is a stranger to the other."""
    admin = _actor(Role.ADMIN)
    for action in ACTIONS:
        elsewhere = decide(admin, action, _place(Kind.WEB, project="p2"))
        assert elsewhere == decide(_actor(Role.NOBODY), action, _place(Kind.WEB, project="p2"))


def test_a_guest_asks_only_where_a_room_is_open() -> None:
    """Open means this room: not in private, on the web or by a token."""
    for kind, is_open in itertools.product(Kind, (False, True)):
        for role in (Role.NOBODY, Role.GUEST):
            allowed = decide(_actor(role), "ask", _place(kind, is_open_to_guests=is_open)).allowed
            assert (kind is Kind.ROOM and is_open) == allowed
    assert not decide(_actor(Role.GUEST), "upload", _place(is_open_to_guests=True)).allowed


def test_a_private_source_in_a_public_room_needs_an_owner_and_his_yes() -> None:
    """Room administrator or not, an admin of the project is not enough."""
    exposed = _place(is_public=True, has_private_source=True)
    admin, owner = _actor(Role.ADMIN, is_room_admin=True), _actor(Role.OWNER, is_room_admin=True)

    assert "rights.public_room_needs_owner" == decide(admin, "project use", exposed).reason
    assert Decision(allowed=True, needs_confirmation=True, is_audited=True) == decide(owner, "project use", exposed)
    assert not decide(owner, "project use", _place(has_private_source=True)).needs_confirmation


def test_binding_a_room_takes_both_keys() -> None:
    """The project's admin who is not the room's is told what is missing."""
    assert "rights.room_admin_needed" == decide(_actor(Role.ADMIN), "project use", _place()).reason
    assert "rights.not_allowed" == decide(_actor(Role.MEMBER, is_room_admin=True), "project use", _place()).reason
    assert decide(_actor(Role.ADMIN, is_room_admin=True), "project use", _place()).allowed


def test_a_muted_room_answers_nothing_from_its_project() -> None:
    """Help, privacy and steering the room still work; who has no role does not learn why."""
    muted = _place(is_muted=True)

    assert "rights.room_muted" == decide(_actor(Role.MEMBER), "ask", muted).reason
    assert "rights.not_allowed" == decide(_actor(Role.NOBODY), "ask", muted).reason
    assert decide(_actor(Role.NOBODY), "privacy", muted).allowed
    assert decide(_actor(Role.NOBODY, is_room_admin=True), "project leave", muted).allowed


def test_an_unbound_room_has_no_project_to_ask() -> None:
    """Even an owner is told so."""
    assert "rights.no_project" == decide(_actor(Role.OWNER), "ask", _place(project=None)).reason


def test_a_token_reaches_only_what_its_scope_says() -> None:
    """Its owner's role does not widen it, and no token claims, signs in or makes tokens."""
    for action in ACTIONS:
        scopes = {rule.token_scope for rule in ACTIONS[action]}
        for scope in (None, "ask", "admin", "root"):
            token = Actor(person="a", roles={"": Role.OWNER}, way=Way.TOKEN, token_scope=scope)
            reaches = (scope == "ask" and "ask" in scopes) or (scope == "admin" and scopes & {"ask", "admin"})
            if decide(token, action, _place(Kind.API)).allowed:
                assert reaches, (action, scope)
    asking = Actor(person="a", roles={"": Role.OWNER}, way=Way.TOKEN, token_scope="ask").limited_to([PROJECT])
    assert decide(asking, "ask_api", _place(Kind.API)).allowed
    assert not decide(asking, "ask_api", _place(Kind.API, project="p2")).allowed


def test_the_shell_is_an_owner_and_nobody_else_reaches_its_actions() -> None:
    """Login links and owners come from the machine itself."""
    for action in FOR_THE_SHELL:
        assert decide(Actor.of_shell(), action, _place(Kind.SHELL, project=None)).allowed
        for kind in set(Kind) - {Kind.SHELL}:
            assert not decide(_actor(Role.OWNER), action, _place(kind)).allowed


def test_every_command_has_a_row() -> None:
    """A command that nobody thought about fails here, not in a room."""
    assert [] == [command.name for command in registry if command.action not in ACTIONS]


def test_a_token_for_the_whole_installation_reads_metrics() -> None:
    """One that is limited to projects does not, though its owner may."""
    owner = Actor(person="a", roles={"": Role.OWNER}, way=Way.TOKEN, token_scope="admin")

    assert decide(owner.limited_to([""]), "metrics", _place(Kind.API, project=None)).allowed
    assert not decide(owner.limited_to([PROJECT]), "metrics", _place(Kind.API, project=None)).allowed


def test_an_action_without_a_row_is_an_error() -> None:
    """It is never simply allowed or refused."""
    with pytest.raises(LookupError, match="give it a row"):
        decide(_actor(Role.OWNER), "no such action", _place())


def test_a_row_that_is_never_reached_does_not_exist() -> None:
    """The first row whose places hold the place counts, so later ones need places of their own."""
    for action, rules in ACTIONS.items():
        seen: set[Kind] = set()
        for rule in rules:
            assert not rule.places & seen, action
            seen |= rule.places
            assert rule.room_admin is RoomAdmin.NOT_ASKED or Kind.ROOM in rule.places, action


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words(language: str) -> None:
    """A refusal without a text would be a crash instead of an answer."""
    reasons = {decide(actor, action, place).reason for action, actor, place in _product()} - {""}
    for giver, role, before in itertools.product(Role, Role, Role):
        reasons.add(why_not_give(_actor(giver), role, project=PROJECT, target="bob", target_role=before))
    assert all(say(reason, language) for reason in reasons - {""})


ROLES = st.sampled_from(Role)


@given(giver=ROLES, role=ROLES, before=ROLES, project=st.sampled_from(["", PROJECT]))
def test_nobody_gives_what_he_does_not_have(giver: Role, role: Role, before: Role, project: str) -> None:
    """An allowed change is below the giver, unless he is an owner; never of himself, never by less than an admin."""
    actor = _actor(giver)
    own = actor.role_in(project)
    if why_not_give(actor, role, project=project, target="bob", target_role=before):
        return

    assert own >= Role.ADMIN
    assert own is Role.OWNER or max(role, before) < own
    assert role is Role.NOBODY or (role is Role.OWNER) == (project == "")


@given(giver=ROLES, role=ROLES, project=st.sampled_from(["", PROJECT]))
def test_nobody_changes_himself(giver: Role, role: Role, project: str) -> None:
    """Neither up nor down."""
    assert why_not_give(_actor(giver), role, project=project, target="ada")


def test_what_each_role_may_give() -> None:
    """An admin gives member and guest; admins and owners come from owners."""

    def given_by(giver: Role, project: str) -> set[Role]:
        return {role for role in Role if not why_not_give(_actor(giver), role, project=project, target="bob")}

    assert set() == given_by(Role.MEMBER, PROJECT)
    assert {Role.NOBODY, Role.GUEST, Role.MEMBER} == given_by(Role.ADMIN, PROJECT)
    assert {Role.NOBODY, Role.GUEST, Role.MEMBER, Role.ADMIN} == given_by(Role.OWNER, PROJECT)
    assert {Role.NOBODY, Role.OWNER} == given_by(Role.OWNER, "")


def test_a_decision_takes_microseconds() -> None:
    """It is asked before work, before money is spent and before each send; the figure is 50 microseconds."""
    actor, place = _actor(Role.MEMBER), _place()

    assert min(timeit.repeat(lambda: decide(actor, "ask", place), number=100, repeat=5)) / 100 < 50e-6
