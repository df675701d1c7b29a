"""The settings as frozen models, one for each section of defaults.toml.

Every object of Roomwise receives the section it needs, never the whole.
The defaults stand in defaults.toml only, so a field here has none.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.fields import (
    AbsolutePath,
    AnswerMode,
    Count,
    HttpAddress,
    Language,
    MaybePath,
    Name,
    Network,
    Positive,
    Seconds,
    Section,
)
from config.matrix import Matrix
from config.telegram import Telegram
from config.weaviate import Weaviate


class Web(Section):
    """Where the service listens and whom it believes."""

    host: Name
    port: Annotated[int, Field(ge=0, le=65535)]
    public_url: HttpAddress
    allowed_hosts: tuple[Name, ...]
    trusted_proxies: tuple[Network, ...]
    tls_in_front: bool
    published_locally: bool
    session_days: Positive


class Endpoint(Section):
    """One OpenAI-compatible endpoint and the model asked there; an empty model means none."""

    model: Name
    base_url: HttpAddress = ""
    api_key: SecretStr = SecretStr("")
    local: bool = False


class Llm(Endpoint):
    """The model that writes answers, and those that stand in for it."""

    fallback: tuple[Endpoint, ...]
    first_token_timeout_s: Seconds
    timeout_s: Seconds
    max_answer_tokens: Positive
    temperature: Annotated[float, Field(ge=0, le=2)]

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint in the order it is tried; empty when no model is set."""
        first = Endpoint(model=self.model, base_url=self.base_url, api_key=self.api_key, local=self.local)
        return tuple(endpoint for endpoint in (first, *self.fallback) if endpoint.model) if self.model else ()


class Embedder(Section):
    """How passages become vectors."""

    kind: Literal["auto", "bundled", "none", "fastembed", "endpoint"]
    lexical_weight: Annotated[float, Field(ge=0)]
    model: Name
    dimensions: Count
    shorten: bool
    max_chars: Positive
    query_prefix: str
    passage_prefix: str
    download: bool
    base_url: HttpAddress
    api_key: SecretStr
    local: bool
    batch_texts: Positive
    batch_chars: Positive
    parallel: Positive
    timeout_s: Seconds
    query_timeout_s: Seconds
    retries: Count
    cache_mb: Count

    @model_validator(mode="after")
    def _names_its_model(self) -> Self:
        if self.kind == "endpoint" and not (self.model and self.dimensions):
            raise ValueError('expected embedder.model and embedder.dimensions beside kind = "endpoint"')
        return self

    @property
    def endpoint(self) -> Endpoint | None:
        """Where every passage and every question goes; None when vectors are made on this machine."""
        return Endpoint(model=self.model, base_url=self.base_url, local=self.local) if self.kind == "endpoint" else None


class Ranker(Section):
    """Which model orders the best passages once more, if any."""

    kind: Literal["none", "cross-encoder", "llm", "endpoint"]
    top: Positive
    budget_ms: Positive
    max_chars: Positive
    model: Name
    download: bool
    base_url: HttpAddress
    api_key: SecretStr
    local: bool

    @model_validator(mode="after")
    def _names_its_endpoint(self) -> Self:
        if self.kind == "endpoint" and not self.base_url:
            raise ValueError('expected ranker.base_url beside kind = "endpoint"')
        return self

    @property
    def endpoint(self) -> Endpoint | None:
        """Where questions and the best passages go, besides the model of [llm]; None when they go nowhere."""
        return Endpoint(model=self.model, base_url=self.base_url, local=self.local) if self.kind == "endpoint" else None


class Answers(Section):
    """How an answer is made."""

    parallel: Positive
    deadline_s: Seconds
    max_passages: Positive
    context_chars: Positive
    history_turns: Count
    language: Language


class Room(Section):
    """What holds for a room that has chosen nothing itself."""

    parallel: Positive
    idle_minutes: Positive
    answer: AnswerMode


class Limits(Section):
    """What one person, room or project may use up."""

    person_questions: Positive
    person_window_s: Positive
    person_messages_per_minute: Count
    room_questions_per_hour: Positive
    project_tokens_per_day: Count
    model_calls_per_question: Positive
    question_max_chars: Positive
    attachment_max_mb: Positive
    attachments_per_room: Positive
    sources_per_project: Positive
    files_per_source: Positive
    source_max_mb: Positive
    min_free_disk_mb: Count

    @property
    def attachment_max_bytes(self) -> int:
        """The largest attachment in bytes."""
        return self.attachment_max_mb * 1_000_000

    @property
    def source_max_bytes(self) -> int:
        """The most text that one source may hold, in bytes."""
        return self.source_max_mb * 1_000_000

    @property
    def min_free_disk_bytes(self) -> int:
        """The free space below which indexing pauses, in bytes."""
        return self.min_free_disk_mb * 1_000_000


class Credential(Section):
    """What opens repositories of one host: a token, or the key of a GitHub App.

    `repositories` are the owner/name patterns that it is for, such as "acme/*"; nothing else is ever asked with it.
    """

    host: Name = "github.com"
    repositories: tuple[Name, ...] = ()
    user: Name = ""
    token: SecretStr = SecretStr("")
    app_id: Count = 0
    app_key: SecretStr = SecretStr("")
    webhook_secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _holds_one_secret(self) -> Self:
        has_app = bool(self.app_id and self.app_key.get_secret_value())
        if bool(self.token.get_secret_value()) == has_app:
            raise ValueError("expected either token, or app_id and app_key")
        if not self.repositories:
            raise ValueError('expected the repositories that it is for, such as ["acme/*"]')
        return self


class Sources(Section):
    """Which sources may be followed, and how often they are asked."""

    allowed_hosts: tuple[Name, ...]
    github_hosts: tuple[Name, ...]
    inside_hosts: tuple[Name, ...]
    ssh_hosts: tuple[Name, ...]
    ssh_key_file: MaybePath
    ssh_known_hosts_file: MaybePath
    interval_s: Positive
    watch: bool
    parallel: Positive
    git_timeout_s: Positive
    purge_after_days: Count
    threads_max: Positive
    threads_per_run: Annotated[int, Field(ge=4)]
    first_project: bool
    folders: dict[str, AbsolutePath]
    credentials: dict[str, Credential]


class Files(Section):
    """Which files of a source are indexed."""

    max_mb: Annotated[float, Field(gt=0)]
    max_line_chars: Positive
    skip: tuple[str, ...]

    @property
    def max_bytes(self) -> int:
        """The largest file that is indexed, in bytes."""
        return int(self.max_mb * 1_000_000)

    def for_uploads(self, limits: Limits) -> "Files":
        """The same rules for what people send on purpose, which may be as large as an attachment."""
        return self.model_copy(update={"max_mb": float(limits.attachment_max_mb)})


class Indexing(Section):
    """How much of the machine an index may take."""

    workers: Literal["auto"] | Count

    @property
    def processes(self) -> int:
        """How many worker processes may run."""
        cores = os.cpu_count() or 1
        automatic = min(cores, 4) if cores > 1 else 0
        return automatic if self.workers == "auto" else self.workers


class Retention(Section):
    """How long what people said is kept."""

    turn_days: Count
    upload_days: Positive
    inbox_id_days: Positive
    feedback_days: Count
    audit_days: Positive


class Backup(Section):
    """How often the state database is copied, and how many copies stay."""

    every_hours: Count
    keep: Positive
    folder: MaybePath

    @property
    def every(self) -> timedelta | None:
        """The time between two copies; None when none are made by the clock."""
        return timedelta(hours=self.every_hours) if self.every_hours else None

    @property
    def longest(self) -> timedelta | None:
        """How long a copy stays at most; None when nothing says so."""
        return self.every * self.keep if self.every else None


class Transcription(Section):
    """The OpenAI-compatible endpoint that writes down what is said in voice messages; an empty model means none."""

    model: Name
    base_url: HttpAddress
    api_key: SecretStr
    local: bool
    max_minutes: Positive
    timeout_s: Seconds

    @property
    def endpoint(self) -> Endpoint | None:
        """Where voice messages go; None when they go nowhere."""
        if not self.model:
            return None
        return Endpoint(model=self.model, base_url=self.base_url, api_key=self.api_key, local=self.local)


class Access(Section):
    """Whom people can turn to, how strangers are met, and how long codes and links live."""

    contact: Name
    private: Literal["hint", "silent"]
    invite_minutes: Positive
    login_link_hours: Positive


class Log(Section):
    """What is written to the log, and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["auto", "console", "json"]


class Settings(BaseSettings):
    """All sections, merged from every layer by config.load."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="ROOMWISE_", env_nested_delimiter="__", env_ignore_empty=True
    )

    data_dir: Path
    key_file: AbsolutePath | None = None
    web: Web
    llm: Llm
    embedder: Embedder
    ranker: Ranker
    answers: Answers
    room: Room
    limits: Limits
    sources: Sources
    files: Files
    indexing: Indexing
    retention: Retention
    weaviate: Weaviate
    backup: Backup
    access: Access
    telegram: Telegram
    matrix: Matrix
    transcription: Transcription
    log: Log

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: config.load merges the layers itself, to know where each value came from."""
        return (init_settings,)
