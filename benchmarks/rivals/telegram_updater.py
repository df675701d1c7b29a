"""A bot as python-telegram-bot's own Updater runs it: a placeholder, some work, then the answer as an edit.

Run: .venv/bin/python -m benchmarks.rivals.telegram_updater TOKEN BASE_URL ANSWER
"""

import asyncio
import random
import sys
from typing import Any

from telegram import ReplyParameters, Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

WORK_S = (0.05, 0.4)


def build(token: str, base_url: str, answer: str) -> "Application[Any, Any, Any, Any, Any, Any]":
    """The application, which answers every text with `answer`."""

    async def respond(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        assert message is not None
        where = ReplyParameters(message.message_id, allow_sending_without_reply=True)
        placed = await message.reply_text("…", reply_parameters=where)
        await asyncio.sleep(random.uniform(*WORK_S))
        await placed.edit_text(answer)

    app = (
        Application.builder()
        .token(token)
        .base_url(f"{base_url}/bot")
        .base_file_url(f"{base_url}/file/bot")
        .job_queue(None)
        .concurrent_updates(8)
        .build()
    )
    app.add_handler(MessageHandler(filters.TEXT, respond))
    return app


if __name__ == "__main__":
    build(*sys.argv[1:4]).run_polling(timeout=10)
