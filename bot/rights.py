"""The one gate: may this actor do this here? A pure function over one table; it reads and writes nothing.

Rights belong to people and projects. A network's room administrator may steer the room and is a second key for acts
on it, but has no right to a project by that. An unknown thing and a forbidden one get the same words, so that nobody
learns the names of projects by asking.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from bot.actions import ACTIONS, ROOMS, Kind, Role, RoomAdmin, Rule

__all__ = ["ACTIONS", "INSTALLATION", "Actor", "Decision", "Kind", "Place", "Role", "Way", "decide", "why_not_give"]

INSTALLATION = ""  # where a project's id would stand


class Way(StrEnum):
    """How an actor came in."""

    CHAT = "chat"
    WEB = "web"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    SHELL = "shell"


class _Scope(IntEnum):
    NONE = 0
    ASK = 1
    ADMIN = 2


_SCOPES = {None: _Scope.NONE, "": _Scope.NONE, "ask": _Scope.ASK, "admin": _Scope.ADMIN}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `roles` are by project id, and by "" for the installation; `token_scope` is ask or admin."""

    person: str | None
    roles: Mapping[str, Role] = field(default_factory=dict)
    is_banned: bool = False
    is_room_admin: bool = False
    way: Way = Way.CHAT
    token_scope: str | None = None

    @classmethod
    def of_shell(cls) -> "Actor":
        """Whoever can type commands on the machine itself: an owner."""
        return cls(person=None, roles={INSTALLATION: Role.OWNER}, way=Way.SHELL)

    def role_in(self, project: str | None) -> Role:
        """The highest role that counts in a project; None or "" asks for the installation."""
        whole = self.roles.get(INSTALLATION, Role.NOBODY)
        return max(whole, self.roles.get(project or INSTALLATION, Role.NOBODY))

    def limited_to(self, projects: Iterable[str]) -> "Actor":
        """The same actor with rights in these projects only, as a token gives them."""
        return replace(self, roles={project: self.role_in(project) for project in projects})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is done, and what is known about that place now."""

    kind: Kind
    room: str | None = None
    project: str | None = None
    is_public: bool = False
    is_open_to_guests: bool = False
    has_private_source: bool = False
    is_muted: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate says. `reason` is the key of a text; "" after a refusal means: say nothing at all."""

    allowed: bool
    reason: str = ""
    needs_confirmation: bool = False
    is_audited: bool = False


def decide(actor: Actor, action: str, place: Place) -> Decision:
    """Whether `actor` may do `action` at `place`. Raises LookupError for an action that the table does not know."""
    rules = ACTIONS.get(action)
    if rules is None:
        raise LookupError(f"expected an action of bot.actions.ACTIONS, got {action!r}; give it a row there")
    is_audited = any(rule.is_audited for rule in rules)
    if actor.is_banned:
        return Decision(allowed=False, is_audited=is_audited)
    here = next((rule for rule in rules if place.kind in rule.places), None)
    rule = here or rules[0]
    elsewhere = "rights.only_in_groups" if rule.places <= ROOMS else "rights.not_here"
    reason = _why_not(actor, rule, place) or ("" if here else elsewhere)
    if reason:
        return Decision(allowed=False, reason=reason, is_audited=is_audited)
    needs_confirmation = rule.needs_confirmation or (rule.exposes_project and _is_exposed(place))
    return Decision(allowed=True, needs_confirmation=needs_confirmation, is_audited=is_audited)


def why_not_give(giver: Actor, role: Role, *, project: str, target: str, target_role: Role = Role.NOBODY) -> str:
    """Why `giver` may not set the role of `target`, who has `target_role` in `project`, to `role`; "" when he may.

    Role.NOBODY takes the role away. Nobody gives what is not below his own role, but owners give all; nobody changes
    himself; OWNER is of the installation, every other role is of a project.
    """
    own = giver.role_in(project)
    if own < Role.ADMIN:
        return "rights.not_allowed"
    if giver.person is not None and giver.person == target:
        return "rights.not_oneself"
    concerns_owner = Role.OWNER in {role, target_role}
    if role is not Role.NOBODY and (role is Role.OWNER) != (project == INSTALLATION):
        return "rights.role_elsewhere"
    if own is Role.OWNER and (not concerns_owner or giver.role_in(INSTALLATION) is Role.OWNER):
        return ""
    return "" if max(role, target_role) < own else "rights.only_below_own"


def _why_not(actor: Actor, rule: Rule, place: Place) -> str:
    if rule.is_for_everyone:
        return "" if actor.way is not Way.TOKEN else "rights.not_allowed"
    if actor.way is Way.TOKEN and not _token_reaches(actor, rule):
        return "rights.not_allowed"
    if rule.in_project and place.project is None:
        return "rights.no_project"
    if place.is_muted and not rule.even_when_muted:
        return "rights.room_muted" if _has_role(actor, rule, place) else "rights.not_allowed"
    return _why_not_by_role(actor, rule, place)


def _why_not_by_role(actor: Actor, rule: Rule, place: Place) -> str:
    has_role = _has_role(actor, rule, place)
    is_steering = place.kind is Kind.ROOM and actor.is_room_admin
    if rule.room_admin is RoomAdmin.ENOUGH and is_steering:
        return ""
    if not has_role:
        return "rights.not_allowed"
    if rule.room_admin is RoomAdmin.TOO and place.kind is Kind.ROOM and not is_steering:
        return "rights.room_admin_needed"
    if rule.exposes_project and _is_exposed(place) and actor.role_in(place.project) is not Role.OWNER:
        return "rights.public_room_needs_owner"
    return ""


def _has_role(actor: Actor, rule: Rule, place: Place) -> bool:
    role = actor.role_in(place.project if rule.in_project else INSTALLATION)
    if rule.guests_may and place.is_open_to_guests and place.kind is Kind.ROOM:
        role = max(role, Role.GUEST)
        return role >= Role.GUEST
    return role >= rule.role


def _token_reaches(actor: Actor, rule: Rule) -> bool:
    return _SCOPES[rule.token_scope] is not _Scope.NONE and (
        _SCOPES.get(actor.token_scope, _Scope.NONE) >= _SCOPES[rule.token_scope]
    )


def _is_exposed(place: Place) -> bool:
    return place.is_public and place.has_private_source
