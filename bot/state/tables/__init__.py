"""The tables of the state database: who, where, what was asked, what was sent, what to follow.

Texts of people are never stored in the clear: columns that end in `_sealed` hold tokens made by `bot.state.vault`,
bound to their row. Ids are sixteen lower-case letters and digits unless a comment says otherwise. Times are UTC.
Network ids are text. The passage store, not this database, owns what is indexed.
"""

from bot.state.tables.base import metadata
from bot.state.tables.flow import (
    AdapterNote,
    AnswerMessage,
    Conversation,
    Cursor,
    Delivery,
    Feedback,
    Inbox,
    Room,
    Turn,
)
from bot.state.tables.knowledge import JobRun, Memory, Project, Source, Upload
from bot.state.tables.people import (
    Audit,
    AuditFloor,
    Confirmation,
    Grant,
    Identity,
    Installation,
    Invite,
    Person,
    Tally,
)
from bot.state.tables.web import ApiToken, WebMessage, WebSession

__all__ = [
    "AdapterNote",
    "AnswerMessage",
    "ApiToken",
    "Audit",
    "AuditFloor",
    "Confirmation",
    "Conversation",
    "Cursor",
    "Delivery",
    "Feedback",
    "Grant",
    "Identity",
    "Inbox",
    "Installation",
    "Invite",
    "JobRun",
    "Memory",
    "Person",
    "Project",
    "Room",
    "Source",
    "Tally",
    "Turn",
    "Upload",
    "WebMessage",
    "WebSession",
    "metadata",
]
