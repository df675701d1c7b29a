"""Commands for what runs by the clock."""

from datetime import timedelta
from functools import partial

import pytest

from adapters.chat import Reply
from bot.context import JobView
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import jobs
from config.texts import LANGUAGES, say
from tests.fakes.house import Typing
from tests.fakes.state import NOW, later

HOUR = timedelta(hours=1)


def view(name: str, outcome: str = "ok", *, is_running: bool = False, deletes: bool = False) -> JobView:
    """A job that ran three hours ago and is due in twenty."""
    ended = later(hours=-3) if outcome else None
    return JobView(name, HOUR, is_running, deletes, ended, outcome, "ref23456", later(hours=20))


async def test_jobs_of_other_projects_are_not_shown(house: Typing) -> None:
    """An admin sees what concerned his sources, an owner everything."""
    mine, other = await house.project(), await house.project("Other")
    room, ada = await house.room(project=mine.id), await house.person(role=Role.ADMIN, project=mine.id)
    owner = await house.person("Olga", role=Role.OWNER)
    assert say("job.none", "en") == await house.says("/jobs", room=room, person=ada)
    await house.types("/source add docs", room=room, person=ada)
    (row,) = await house.followed(mine)
    for subject, detail in ((row.id, "mine broke"), ("elsewhere" + other.id, "a secret host failed")):
        run = await house.db.write(partial(jobs.begin, job="refresh", subject=subject, now=house.now))
        await house.db.write(partial(jobs.end, run=run, outcome="failed", detail=detail, now=house.now))

    seen = await house.says("/jobs", room=room, person=ada)

    assert "docs" in seen
    assert "mine broke" in seen
    assert "secret" not in seen
    assert "secret" in await house.says("/jobs", room=room, person=owner)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_owner_sees_how_each_job_stands(house: Typing, language: str) -> None:
    """What it does in words, how its last run went, when the next is, and the reference of the last error."""
    project = await house.project()
    room, owner = await house.room(project=project.id), await house.person(role=Role.OWNER)
    outcomes = ["ok", "failed", "cut", "paused", ""]
    names = ["expired", "retention", "purge", "uploads", "mirrors"]
    house.jobs.known = [view(name, outcome) for name, outcome in zip(names, outcomes, strict=True)]
    house.jobs.known.append(view("leftovers", is_running=True))
    run = await house.db.write(partial(jobs.begin, job="expired", now=later(days=-3)))
    await house.db.write(partial(jobs.end, run=run, outcome=jobs.FAILED, detail="old99999", now=NOW))

    said = await house.says("/jobs", room=room, person=owner, language=language)

    lines = dict(zip([*names, "leftovers"], said.splitlines()[2:], strict=False))
    assert all(say(f"job.what_{name}", language) in line for name, line in lines.items())
    assert all(say("status.in_hours", language, count=20) in line for line in lines.values())
    assert "old99999" in lines["expired"]
    assert "ref23456" in lines["retention"]
    assert say("job.cut", language) in lines["purge"]
    assert say("job.never", language) in lines["mirrors"]
    assert say("job.running", language) in lines["leftovers"]


async def test_an_admin_sees_no_jobs_of_the_installation(house: Typing) -> None:
    """They concern other projects too."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    house.jobs.known = [view("retention", "failed")]

    assert say("job.none", "en") == await house.says("/jobs", room=room, person=ada)
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/jobs run retention", room=room, person=ada)
    assert [] == house.jobs.asked


async def test_an_owner_runs_a_job_now(house: Typing) -> None:
    """One that deletes something is confirmed first."""
    project = await house.project()
    room, owner = await house.room(kind="private", project=project.id), await house.person(role=Role.OWNER)
    house.jobs.known = [view("tick", is_running=True), view("watch"), view("purge", deletes=True)]

    said = [await house.says(f"/jobs run {name}", room=room, person=owner) for name in ("Watch", "tick")]
    asked_back = await house.types("/jobs run purge", room=room, person=owner)
    before = list(house.jobs.asked)
    done = await house.press(asked_back.buttons[0][0].data, room=room, person=owner)

    assert [say("job.run", "en", job="watch"), say("job.run_again", "en", job="tick")] == said
    assert say("job.run_confirm", "en", job="purge", what=say("job.what_purge", "en")) == asked_back.markdown
    assert (["watch", "tick"], ["watch", "tick", "purge"]) == (before, house.jobs.asked)
    assert isinstance(done, Reply)
    assert say("job.run", "en", job="purge") == done.markdown


async def test_an_unknown_job_is_answered_with_close_names(house: Typing) -> None:
    """All of them where none is close."""
    project = await house.project()
    room, owner = await house.room(kind="private", project=project.id), await house.person(role=Role.OWNER)
    house.jobs.known = [view("backup"), view("purge"), view("retention")]

    for typed, names in (("backups", "backup"), ("xyz", "backup, purge, retention")):
        with pytest.raises(UserError) as refused:
            await house.types(f"/jobs run {typed}", room=room, person=owner)
        assert names == refused.value.values["names"]
