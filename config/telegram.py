"""The settings of Telegram."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from config.fields import HttpAddress, Section


class Telegram(Section):
    """The bot's account on Telegram; an empty token means that there is none.

    `account` is the bot's id on Telegram, which stays when its token is replaced.
    """

    token: SecretStr
    base_url: HttpAddress
    intake: Literal["poll", "webhook"]
    webhook_secret: SecretStr
    drafts: bool
    group_messages_per_minute: Annotated[int, Field(ge=1, le=20)]
    chat_messages_per_minute: Annotated[int, Field(ge=1, le=60)]
    messages_per_second: Annotated[int, Field(ge=1, le=30)]

    @model_validator(mode="after")
    def _has_a_token_of_the_right_form(self) -> Self:
        token = self.token.get_secret_value()
        if token and not re.fullmatch(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,}", token):
            raise ValueError('expected a token as BotFather gives it: digits, ":" and letters')
        return self

    @property
    def account(self) -> str:
        """The bot's own id; "" without a token."""
        return self.token.get_secret_value().partition(":")[0]
