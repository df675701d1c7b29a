"""Heads of many repositories by GitHub's GraphQL, as adapters.forge.Forge."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from adapters.access import Access
from adapters.dialing import SourceLate
from adapters.forge import Allowance, Asked, Seen
from adapters.github.api import GithubApi, Key, Replied
from adapters.github.batches import BatchSize, Result, Round
from adapters.github.head_query import alias, head_query, seen
from adapters.github.translate import Subject, explain_field, not_there
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable


class Minted(Protocol):
    """Where tokens of Apps come from, as far as one that is refused must be made anew."""

    def forget(self, token: str) -> bool:
        """Drop a token; False when it is none of ours."""


class GithubHeads:
    """Tells heads by batches of up to 100 repositories, each a query of one point. Batches go one after the other."""

    def __init__(self, api: GithubApi, access: Access, minted: Minted) -> None:
        self._api = api
        self._access = access
        self._minted = minted
        self._sizes: dict[str, BatchSize] = defaultdict(BatchSize)

    async def heads(self, asked: Sequence[Asked], *, credential: str) -> Sequence[Seen | SourceError]:
        """Say where heads are, one result for each that was asked, in order.

        A node id is followed wherever the repository went; without one, or when it leads nowhere, the name counts, so
        what is seen may have another node id: then it is another repository. Raises SourceUnreachable when nothing can
        be said now, SourceRefused without a credential and by a host that does not take the query: then ask git.
        """
        if not credential:
            raise SourceRefused(
                f"expected a credential for {self._api.host!r}, got none: without one, heads are asked of git itself"
            )
        self._api.ledger.check(credential, "graphql")
        results = await self._by_token(asked, credential)
        found = [results[index] for index in range(len(asked))]
        unreachable = [one for one in found if isinstance(one, SourceUnreachable)]
        waits = [one for one in unreachable if one.retry_after_s is not None]
        if waits and len(unreachable) == len(found):
            raise waits[0]
        return found

    def allowance(self, credential: str) -> Allowance:
        """What the host has last said that this credential may do."""
        return self._api.ledger.allowance(credential)

    def restore(self, allowance: Allowance) -> None:
        """Take up what was known before a restart."""
        self._api.ledger.restore(allowance)

    async def close(self) -> None:
        """Release connections."""
        await self._api.close()

    async def _by_token(self, asked: Sequence[Asked], credential: str) -> dict[int, Result]:
        """Ask group by group: an App has another token for each owner."""
        results: dict[int, Result] = {}
        groups: dict[str, list[int]] = defaultdict(list)
        for index, one in enumerate(asked):
            try:
                groups[await self._token(one, credential)].append(index)
            except SourceError as error:
                results[index] = error
        for token, indexes in groups.items():
            group = [asked[index] for index in indexes]
            found = await self._group(group, Key(credential, token))
            results |= dict(zip(indexes, found, strict=True))
        return results

    async def _token(self, asked: Asked, credential: str) -> str:
        """Give the token for a repository. Raises SourceRefused when the credential is not for it, and what minting raises."""
        if self._access.named(self._api.host, asked.repository) != credential:
            raise SourceRefused(
                f"expected the credential {credential!r} to be for {asked.repository}, got patterns that leave it out"
            )
        return await self._access.token(self._api.host, asked.repository)

    async def _group(self, asked: Sequence[Asked], key: Key) -> list[Result]:
        """Ask for all of one token. An error that is about none of them in particular is the result of all that are left."""
        found, fault = await self._round(asked, key)
        if isinstance(fault, SourceGone) and self._minted.forget(key.token):
            left = [index for index in range(len(asked)) if index not in found]
            found_anew, fault = await self._once_more([asked[index] for index in left], key.credential)
            found |= {left[place]: result for place, result in found_anew.items()}
        if isinstance(fault, SourceRefused):
            raise fault
        other = fault or SourceUnreachable(f"expected an answer of {self._api.host!r}, got none")
        return [found.get(index, other) for index in range(len(asked))]

    async def _once_more(self, asked: Sequence[Asked], credential: str) -> tuple[dict[int, Result], SourceError | None]:
        """Ask with a token that was made just now, since the host did not take the former one any more."""
        try:
            token = await self._token(asked[0], credential)
        except SourceError as error:
            return {}, error
        return await self._round(asked, Key(credential, token))

    async def _round(self, asked: Sequence[Asked], key: Key) -> tuple[dict[int, Result], SourceError | None]:
        """Ask for all, and give what was answered; beside it what ended the round early."""

        async def ask(batch: Sequence[Asked]) -> list[Result | None]:
            return await self._ask(batch, key)

        going = Round(asked, ask, self._sizes[key.credential])
        try:
            await going.run()
        except SourceLate as late:
            late.retry_after_s = self._api.ledger.failed(key.credential)
            return going.results, late
        except SourceError as error:
            return going.results, error
        return going.results, None

    async def _ask(self, batch: Sequence[Asked], key: Key) -> list[Result | None]:
        query, variables = head_query(batch)
        replied = await self._api.graphql(query, variables, key=key)
        return [self._result(replied, index, asked, key) for index, asked in enumerate(batch)]

    def _result(self, replied: Replied, index: int, asked: Asked, key: Key) -> Result | None:
        """Give what an answer says of one repository, None when it does not get to it."""
        subject = Subject(asked.repository, self._api.host, key.credential)
        error = replied.errors.get(alias(index))
        if error is not None:
            return explain_field(error, subject, replied.headers)
        node = replied.data.get(alias(index))
        if node is None and replied.errors.get(""):
            return None
        # A node of another kind has none of the fields; a null without any error is one that is not to be seen.
        return seen(node, asked, subject) if node else not_there(subject, replied.headers)
