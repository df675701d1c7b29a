"""The list at the left: a person's projects as contacts, the one spoken to last first."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.state.queries import projects, webrooms
from bot.state.queries.webrooms import Glance
from bot.state.tables import Project
from bot.web import pages
from bot.web.parts import WebParts
from bot.web.rows import preview_of
from bot.web.visitors import Visitor, room_name

MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Contact:
    """One project as templates/contacts.html shows it."""

    project: str
    room: str
    name: str
    initials: str
    hue: int
    is_current: bool
    last: str = ""
    at: str = ""
    clock: str = ""
    unread: int = 0


async def contacts_of(parts: WebParts, visitor: Visitor, *, current: str | None) -> list[Contact]:
    """The visitor's projects with the newest message of each; those without one follow by name."""
    person = visitor.person
    if person is None:
        return []
    mine: Sequence[Project] = await parts.db.read(lambda session: projects.list_for(session, visitor.actor))
    seen = await parts.db.read(lambda session: webrooms.glances(session, person.id, vault=parts.vault))
    made = [_contact(project, seen.get(room_name(project.id, person.id)), visitor, current) for project in mine]
    spoken = sorted((contact for contact in made if contact.at), key=lambda contact: contact.at, reverse=True)
    return [*spoken, *(contact for contact in made if not contact.at)][:MOST_SHOWN]


def _contact(project: Project, glance: Glance | None, visitor: Visitor, current: str | None) -> Contact:
    last = glance.last if glance else None
    is_current = project.id == current
    return Contact(
        project=project.id,
        room=room_name(project.id, visitor.person.id if visitor.person else ""),
        name=project.name,
        initials=pages.initials(project.name),
        hue=pages.hue(project.id),
        is_current=is_current,
        last=preview_of(last, visitor.language) if last else "",
        at=last.created_at.isoformat() if last else "",
        clock=f"{last.created_at:%H:%M}" if last else "",
        unread=glance.unread if glance and not is_current else 0,
    )
