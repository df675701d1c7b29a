"""Signing in by a one-use link, and signing out. Looking at a link never uses it up: chat previews fetch links."""

import secrets
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.state.queries import sessions
from bot.web import pages
from bot.web.security import Tries
from bot.web.visitors import cookie_name, find_visitor, is_same, language_of, parts_of
from config.texts import say

TRIES_WINDOW: Final = timedelta(minutes=10)
_NONCE: Final = "roomwise_nonce"
router = APIRouter(include_in_schema=False)


@router.get("/login/{code}")
async def show(request: Request, code: str) -> HTMLResponse:
    """A page with a button. The nonce ties the button to this browser."""
    parts = parts_of(request)
    language = language_of(request)
    if not await parts.people.is_login_open(code, now=parts.clock()):
        return pages.card(language, "used", status=410, command="roomwise login")
    nonce = secrets.token_urlsafe(18)
    form = {"action": f"/login/{code}", "nonce": nonce, "label": say("web.card.action.sign_in", language)}
    shown = pages.card(language, "sign_in", form=form)
    _set_cookie(shown, request, _NONCE, nonce, max_age_s=600)
    return shown


@router.post("/login/{code}")
async def use(request: Request, code: str, nonce: Annotated[str, Form()] = "") -> Response:
    """Use the link up and sign this browser in."""
    parts = parts_of(request)
    language = language_of(request)
    tries: Tries = request.app.state.tries
    if not tries.may_try(request.client.host if request.client else ""):
        return pages.card(language, "tries", status=429)
    made = None
    if is_same(nonce, request.cookies.get(_NONCE, "")):
        made = await parts.people.sign_in(code, language=language, now=parts.clock())
    if made is None:
        return pages.card(language, "used", status=410, command="roomwise login")
    response = RedirectResponse("/", 303)
    max_age_s = parts.settings.session_days * 86_400
    _set_cookie(response, request, cookie_name(request), made.session.token, max_age_s=max_age_s)
    response.delete_cookie(_NONCE)
    return response


@router.post("/logout")
async def leave(request: Request, csrf: Annotated[str, Form()]) -> Response:
    """End this browser's session, and the streams of its open pages."""
    parts = parts_of(request)
    visitor = await find_visitor(request)
    response = RedirectResponse("/", 303)
    if visitor is not None and visitor.person is not None and is_same(csrf, visitor.csrf):
        await parts.db.write(lambda session: sessions.end(session, visitor.session))
        parts.chat.wake_person(visitor.person.id)
        response.delete_cookie(cookie_name(request), secure=request.url.scheme == "https", httponly=True)
        response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _set_cookie(response: Response, request: Request, name: str, value: str, *, max_age_s: int) -> None:
    is_secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=max_age_s, path="/", httponly=True, samesite="strict", secure=is_secure)
