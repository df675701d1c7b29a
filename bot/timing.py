"""How long ago something was and how long something takes, in the words of a language."""

from datetime import datetime

from config.texts import say


def ago(then: datetime | None, *, now: datetime, language: str) -> str:
    """Say a time in the past: "3 min ago"; None is "never"."""
    if then is None:
        return say("status.ago_never", language)
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 1:
        return say("status.ago_now", language)
    if minutes < 120:
        return say("status.ago_minutes", language, count=minutes)
    if minutes < 48 * 60:
        return say("status.ago_hours", language, count=minutes // 60)
    return say("status.ago_days", language, count=minutes // (24 * 60))


def ahead(then: datetime, *, now: datetime, language: str) -> str:
    """Say a time to come: "in 4 min", "in 20 h"; what is due is "now"."""
    minutes = round((then - now).total_seconds() / 60)
    if minutes < 1:
        return say("status.in_now", language)
    if minutes < 120:
        return say("status.in_minutes", language, count=minutes)
    return say("status.in_hours", language, count=round(minutes / 60))


def left(seconds: float, *, language: str) -> str:
    """Say how long something under way still takes: "about 3 min left"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return say("status.left_seconds", language)
    if minutes < 120:
        return say("status.left_minutes", language, count=minutes)
    return say("status.left_hours", language, count=round(minutes / 60))
