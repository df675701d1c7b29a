"""Every action of the product with who may do it and where: data, read by bot.rights and walked by its tests.

An action is named as its command ("source add"), or in one word when it has none. The first row whose places hold the
place counts. Whatever has no row cannot be done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Role(IntEnum):
    """What a person is to a project, each with all rights of those before it; OWNER is of the installation."""

    NOBODY = 0
    GUEST = 1
    MEMBER = 2
    ADMIN = 3
    OWNER = 4

    @property
    def word(self) -> str:
        """The role as it is stored and typed: "member"."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> "Role":
        """The role of a stored or typed word. Raises ValueError."""
        try:
            return cls[word.upper()]
        except KeyError as error:
            expected = ", ".join(role.word for role in cls)
            raise ValueError(f"expected a role ({expected}), got {word!r}") from error


class Kind(StrEnum):
    """The kinds of places."""

    PRIVATE = "private"  # a chat with one person on a network
    ROOM = "room"  # a chat with several
    WEB = "web"  # our own pages, signed in; its rooms are private
    SHELL = "shell"  # the command line of the machine
    API = "api"  # the JSON API with a token


class RoomAdmin(StrEnum):
    """What being the network's administrator of the room changes; it counts in rooms only."""

    NOT_ASKED = "not asked"
    TOO = "too"  # needed besides the role
    ENOUGH = "enough"  # instead of the role


ALONE = frozenset({Kind.PRIVATE, Kind.WEB, Kind.SHELL})
CHATS = frozenset({Kind.PRIVATE, Kind.ROOM, Kind.WEB})
TYPED = CHATS | {Kind.SHELL}
ANYWHERE = TYPED | {Kind.API}
ROOMS = frozenset({Kind.ROOM})
SHELL = frozenset({Kind.SHELL})
WEB = frozenset({Kind.WEB})
REMOTE = frozenset({Kind.API, Kind.SHELL, Kind.WEB})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. `token_scope` says which API tokens reach the action: "ask", "admin", or "" for none."""

    role: Role
    places: frozenset[Kind]
    in_project: bool = True  # else the role in the whole installation counts
    room_admin: RoomAdmin = RoomAdmin.NOT_ASKED
    guests_may: bool = False  # in a room that is open to guests
    needs_confirmation: bool = False
    exposes_project: bool = False  # with a private source in a public room: owners only, confirmed
    even_when_muted: bool = False
    is_for_everyone: bool = False  # can never be taken away, but by a ban
    is_audited: bool = False
    token_scope: str = ""


_EVERYONE = (Rule(role=Role.NOBODY, places=TYPED, in_project=False, is_for_everyone=True, even_when_muted=True),)
_ASKERS = (Rule(role=Role.MEMBER, places=ANYWHERE, guests_may=True, token_scope="ask"),)  # noqa: S106
_MEMBERS = (Rule(role=Role.MEMBER, places=ANYWHERE, token_scope="ask"),)  # noqa: S106
_MEMBERS_CHAT = (Rule(role=Role.MEMBER, places=CHATS),)
_ADMINS_READ = (Rule(role=Role.ADMIN, places=ANYWHERE, token_scope="admin"),)  # noqa: S106
_ADMINS = (Rule(role=Role.ADMIN, places=ANYWHERE, is_audited=True, token_scope="admin"),)  # noqa: S106
_ADMINS_TYPED = (Rule(role=Role.ADMIN, places=TYPED, is_audited=True),)
_ADMINS_CONFIRM = (Rule(role=Role.ADMIN, places=TYPED, needs_confirmation=True, is_audited=True),)
_ADMINS_ALONE = (Rule(role=Role.ADMIN, places=ALONE, is_audited=True),)
_OWNERS = (Rule(role=Role.OWNER, places=ALONE, in_project=False, is_audited=True),)
_OWNERS_CONFIRM = (Rule(role=Role.OWNER, places=ALONE, in_project=False, needs_confirmation=True, is_audited=True),)
_SHELL_ONLY = (Rule(role=Role.OWNER, places=SHELL, in_project=False, is_audited=True),)
_STEER = (
    Rule(role=Role.MEMBER, places=frozenset({Kind.PRIVATE, Kind.WEB}), is_audited=True),  # a chat of one's own
    Rule(
        role=Role.ADMIN,
        places=ROOMS,
        room_admin=RoomAdmin.ENOUGH,
        even_when_muted=True,
        is_audited=True,
    ),
)

ACTIONS: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        # about oneself and the product
        "help": _EVERYONE,
        "start": _EVERYONE,
        "about": _EVERYONE,
        "privacy": _EVERYONE,
        "developer_info": _EVERYONE,
        "whoami": _EVERYONE,
        "press": _EVERYONE,  # what the button stands for is asked again by its own name
        "project list": _EVERYONE,  # shows only what the asker has a role in
        "claim": (
            Rule(
                role=Role.NOBODY,
                places=CHATS,  # in a group the code dies
                in_project=False,
                is_for_everyone=True,
                is_audited=True,
            ),
        ),
        "delete me": (
            Rule(
                role=Role.NOBODY,
                places=frozenset({Kind.PRIVATE, Kind.WEB}),  # nobody else is to learn of it
                in_project=False,
                is_for_everyone=True,
                needs_confirmation=True,
                is_audited=True,
            ),
        ),
        "join": (Rule(role=Role.NOBODY, places=CHATS, in_project=False, is_for_everyone=True, is_audited=True),),
        # asking
        "ask": _ASKERS,
        "verify": _ASKERS,
        "rate": _ASKERS,
        "cancel": _ASKERS,
        "reset": _ASKERS,
        "read_turn": _ASKERS,
        "read_project": _MEMBERS,
        "status": _MEMBERS,
        "upload": _MEMBERS_CHAT,
        "ask_api": (Rule(role=Role.MEMBER, places=REMOTE, token_scope="ask"),),  # noqa: S106
        "search_api": (Rule(role=Role.MEMBER, places=REMOTE, token_scope="ask"),),  # noqa: S106
        "status_api": (Rule(role=Role.MEMBER, places=REMOTE, token_scope="ask"),),  # noqa: S106
        "index_api": (Rule(role=Role.ADMIN, places=REMOTE, is_audited=True, token_scope="admin"),),  # noqa: S106
        # projects
        "project new": _OWNERS,
        "project use": (
            Rule(role=Role.MEMBER, places=ALONE, is_audited=True),  # a private chat shows it to nobody else
            Rule(
                role=Role.ADMIN,
                places=ROOMS,
                room_admin=RoomAdmin.TOO,
                exposes_project=True,
                even_when_muted=True,
                is_audited=True,
            ),
        ),
        "project redeem": (  # the code is the project admin's word, so only the room's admin is asked
            Rule(
                role=Role.OWNER,
                places=ROOMS,
                in_project=False,
                room_admin=RoomAdmin.ENOUGH,
                is_audited=True,
            ),
        ),
        "project leave": _STEER,
        "project rename": _ADMINS_TYPED,
        "project remove": (Rule(role=Role.ADMIN, places=ALONE, needs_confirmation=True, is_audited=True),),
        "project invite": _ADMINS_ALONE,
        # sources
        "source list": _MEMBERS,
        "source add": _ADMINS_TYPED,
        "source add private": (
            Rule(role=Role.OWNER, places=ALONE, in_project=False, needs_confirmation=True, is_audited=True),
        ),
        "source remove": _ADMINS_CONFIRM,
        "source allow": _OWNERS_CONFIRM,
        "source share": _ADMINS_CONFIRM,
        "source refresh": _ADMINS,
        "source webhook": _ADMINS_ALONE,
        "source threads": _ADMINS_TYPED,
        "reindex": _ADMINS_CONFIRM,
        # files that were sent; whose is asked by the command
        "file list": _MEMBERS_CHAT,
        "file remove": (Rule(role=Role.MEMBER, places=CHATS, needs_confirmation=True, is_audited=True),),
        # the room
        "answer": _STEER[1:],  # alone with us, everything is answered
        "language": _STEER,
        "digest": _STEER,
        "keep_files": _STEER,  # of an encrypted room, without asking each time
        "guests": (
            Rule(role=Role.ADMIN, places=ROOMS, needs_confirmation=True, is_audited=True, exposes_project=True),
        ),
        "unmute": (
            Rule(
                role=Role.ADMIN,
                places=ROOMS,
                exposes_project=True,
                even_when_muted=True,
                is_audited=True,
            ),
        ),
        "settings": _ADMINS_TYPED,
        # people
        "role list": _ADMINS_READ,
        "role set": _ADMINS_TYPED,
        "role invite": _ADMINS_ALONE,
        "ban": _ADMINS_CONFIRM,
        "token make": _OWNERS,
        "token revoke": _OWNERS,
        # operations
        "jobs": _ADMINS_READ,
        "jobs run": (Rule(role=Role.OWNER, places=TYPED, in_project=False, is_audited=True),),
        "admin_page": _OWNERS,
        "metrics": (Rule(role=Role.OWNER, places=REMOTE, in_project=False, token_scope="admin"),),  # noqa: S106
        "audit": _OWNERS,
        "login": _SHELL_ONLY,
        "owner add": _SHELL_ONLY,
        "backup": _SHELL_ONLY,
        "restore": _SHELL_ONLY,
        "stop": _OWNERS_CONFIRM,
    }
)
