"""Keys to the JSON API, as the operator makes, lists and takes them back."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.desk import DeskError, Json, UnknownProject
from bot.people import first_owner
from bot.rights import Way
from bot.state.database import Database
from bot.state.queries import audit, people, projects, tokens
from bot.state.queries.audit import Act
from bot.state.tables import ApiToken
from bot.state.words import name_key


class Tokens:
    """Tokens act for the first owner, in the projects and to the ends they were made for."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def make(self, name: str, *, project: str, scope: str, days: int, now: datetime) -> Json:
        """A new token, to be shown once: {"token", "name", "project", "scope", "expires_at"}. Raises DeskError."""
        valid_for = timedelta(days=days)

        async def write(session: AsyncSession) -> Json:
            found = await projects.by_name(session, project)
            if found is None:
                raise UnknownProject(project, [one.name for one in await projects.list_all(session)])
            owner = (await first_owner(session, language=None, now=now)).id
            if any(name_key(one.name) == name_key(name) for one in await tokens.list_of(session, owner)):
                raise DeskError(f"expected a new name, but a token named {name!r} exists; revoke it first")
            new = tokens.NewToken(name, owner, scope, (found.id,))
            try:
                token = await tokens.make(session, new, valid_for=valid_for, now=now)
            except ValueError as error:
                raise DeskError(str(error)) from error
            await _record(session, "token make", target=found.id, now=now)
            shown = {"name": name, "project": found.name, "scope": scope}
            return {"token": token, **shown, "expires_at": (now + valid_for).isoformat()}

        return await self._db.write(write)

    async def listed(self, *, now: datetime) -> Json:
        """Every token that is not revoked: {"tokens": [{"name", "scope", "projects", "expires_at", "used_at"}]}."""

        async def read(session: AsyncSession) -> Json:
            owners = await people.owners(session, now=now)
            names = {project.id: project.name for project in await projects.list_all(session)}
            known = [one for owner in owners for one in await tokens.list_of(session, owner)]
            return {"tokens": [_shown(one, names) for one in known]}

        return await self._db.read(read)

    async def revoke(self, name: str, *, now: datetime) -> Json:
        """Take a token back at once: {"revoked": name}. Raises DeskError when there is none of that name."""

        async def write(session: AsyncSession) -> Json:
            owners = await people.owners(session, now=now)
            known = [one for owner in owners for one in await tokens.list_of(session, owner)]
            found = next((one for one in known if name_key(one.name) == name_key(name)), None)
            if found is None:
                names = ", ".join(one.name for one in known) or "(none)"
                raise DeskError(f"expected the name of a token, got {name!r}; there are: {names}")
            await tokens.revoke(session, found.id, now=now)
            await _record(session, "token revoke", target=",".join(found.projects), now=now)
            return {"revoked": found.name}

        return await self._db.write(write)


async def _record(session: AsyncSession, action: str, *, target: str, now: datetime) -> None:
    await audit.append(session, Act(action=action, way=Way.SHELL, outcome="allowed", target=target), now=now)


def _shown(token: ApiToken, names: dict[str, str]) -> Json:
    return {
        "name": token.name,
        "scope": token.scope,
        "projects": [names.get(project, "(removed)") for project in token.projects],
        "expires_at": token.expires_at.isoformat(),
        "used_at": token.used_at.isoformat() if token.used_at else None,
    }
