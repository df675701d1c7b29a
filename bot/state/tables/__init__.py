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
from bot.state.tables.knowledge import (
    Change,
    HostPause,
    JobRun,
    JobState,
    Memory,
    Project,
    Repository,
    Source,
    Upload,
    WebhookDelivery,
)
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
    "Change",
    "Confirmation",
    "Conversation",
    "Cursor",
    "Delivery",
    "Feedback",
    "Grant",
    "HostPause",
    "Identity",
    "Inbox",
    "Installation",
    "Invite",
    "JobRun",
    "JobState",
    "Memory",
    "Person",
    "Project",
    "Repository",
    "Room",
    "Source",
    "Tally",
    "Turn",
    "Upload",
    "WebMessage",
    "WebSession",
    "WebhookDelivery",
    "metadata",
]
