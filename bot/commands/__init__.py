"""What people type in a room to steer the bot. Importing this package registers every command."""

from bot.commands import about, digest, files, jobs, people, projects, rooms, sources, start, threads, typed
from bot.commands.context import registry as all_commands

__all__ = [
    "about",
    "all_commands",
    "digest",
    "files",
    "jobs",
    "people",
    "projects",
    "rooms",
    "sources",
    "start",
    "threads",
    "typed",
]
