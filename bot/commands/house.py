"""What commands work with: the verbs of the product and the sections of the settings that they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.connections import Connections
from bot.context import JobsPort, QueuePort
from bot.digest import Digest
from bot.following import Following
from bot.hook_setup import HookSetup
from bot.onboarding import Onboarding
from bot.people import People
from bot.privacy import host_of
from bot.projects import Projects
from bot.standing import Standing
from bot.state.database import Database
from bot.state.vault import Vault
from bot.threads import Threads
from bot.uploads import Uploads
from config.settings import Access, Endpoint, Limits, Llm, Sources
from config.texts import say


@dataclass(frozen=True, slots=True)
class House:
    """Everything a command may ask for; built once by `bot.app`.

    `privacy_text` and `who_answers` take a language and give the text made from the live settings.
    """

    db: Database
    vault: Vault
    queue: QueuePort
    jobs: JobsPort
    standing: Standing
    following: Following
    hooks: HookSetup
    onboarding: Onboarding
    projects: Projects
    people: People
    uploads: Uploads
    threads: Threads
    digest: Digest
    connections: Connections
    limits: Limits
    sources: Sources
    access: Access
    privacy_text: Callable[[str], str]
    who_answers: Callable[[str], str]


def who_answers(llm: Llm, language: str, *, searching: Sequence[Endpoint] = (), hearing: Endpoint | None = None) -> str:
    """Who writes the answers and what is sent to it, to those that help to search, and to who listens."""
    lines = [_who_writes(llm, language, is_here=not searching and hearing is None)]
    for is_local, key in ((False, "about.search"), (True, "about.search_local")):
        hosts = sorted({host_of(endpoint) for endpoint in searching if endpoint.local == is_local})
        lines += [say(key, language, endpoint=", ".join(hosts))] if hosts else []
    if hearing is not None:
        lines.append(say("about.voice_local" if hearing.local else "about.voice", language, endpoint=host_of(hearing)))
    return " ".join(lines)


def _who_writes(llm: Llm, language: str, *, is_here: bool) -> str:
    if not llm.endpoints:
        return say("about.extractive" if is_here else "about.quoted", language)
    first = llm.endpoints[0]
    key = "about.model_local" if first.local else "about.model"
    return say(key, language, model=first.model, endpoint=host_of(first))
