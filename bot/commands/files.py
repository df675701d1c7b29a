"""Commands for the files that people sent: list them, remove one."""

from bot.commands.context import Context, registry
from bot.commands.registry import Rest
from bot.errors import UserError
from bot.state.queries.uploads import Kept
from config.texts import plain


@registry.command("file list", is_read_only=True)
async def list_(ctx: Context) -> str:
    """List the files that were sent in this room, and those that are shared with its project.

    Example: /file list
    """
    project = await ctx.project()
    found = await ctx.house.uploads.found_in(ctx.room.id, project=project.id)
    if not found:
        return ctx.say("source.share_empty")
    lines = [ctx.say("file.shared" if one.is_shared else "file.here", name=plain(one.name)) for one in found]
    return "\n".join([ctx.say("file.title"), "", *lines])


async def _confirm_remove(ctx: Context, name: Rest) -> str:
    upload = await _own(ctx, name)
    key = "file.remove_shared_confirm" if upload.is_shared else "file.remove_confirm"
    return ctx.say(key, name=plain(upload.name), project=(await ctx.project()).name)


@registry.command("file remove", confirms=_confirm_remove)
async def remove(ctx: Context, name: Rest) -> str:
    """Delete a file that was sent in this room, and everything that was indexed of it.

    Example: /file remove handbook.md
    """
    upload = await _own(ctx, name)
    await ctx.house.uploads.remove(upload, now=ctx.now)
    return ctx.say("file.removed", name=plain(upload.name))


async def _own(ctx: Context, name: str) -> Kept:
    """The file of that name that this person may remove: his own, or any for an admin of the project."""
    project = await ctx.project()
    upload = await ctx.house.uploads.named(ctx.room.id, name, project=project.id, or_shared=True)
    if upload.person != ctx.person.id and not ctx.may("source remove"):
        raise UserError("file.not_yours", name=plain(upload.name))
    return upload
