"""A whole list out of pages that may repeat, skip, or change while they are read.

No list of the provider documents its order, so a list is believed when one pass over it fits
its own count, or when two passes agree. It may not call anything: the page source is given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from budgetd.provider.answers import Page
from budgetd.provider.errors import MalformedAnswer
from budgetd.provider.operations import Paging

Row = TypeVar("Row")

PASSES = 3
LARGEST_LIST = 1_000_000

Fetch = Callable[[int, int], Awaitable[Page[Row]]]
"""Reads the page at (offset, limit)."""


@dataclass
class _Pass(Generic[Row]):
    """One reading of the list from its first row to its last."""

    rows: list[Row] = field(default_factory=list)
    names: list[Hashable] = field(default_factory=list)
    totals: set[int] = field(default_factory=set)
    fault: str = ""

    def unique(self) -> dict[Hashable, Row]:
        """The rows by name, each once."""
        return dict(zip(self.names, self.rows, strict=True))

    def judge(self) -> str:
        """Why this pass alone is not to be believed; empty when it is."""
        if self.fault:
            return self.fault
        if len(self.totals) > 1:
            return (
                f"the count of rows changed between pages ({min(self.totals)} to "
                f"{max(self.totals)})"
            )
        if len(self.rows) != next(iter(self.totals)):
            return f"{len(self.rows)} rows, where {next(iter(self.totals))} are announced"
        if len(self.unique()) != len(self.rows):
            return "the same row stands on two pages"
        return ""


async def read_pages(
    endpoint: str,
    paging: Paging,
    fetch: Fetch[Row],
    seen: Callable[[Sequence[Row]], None] | None = None,
) -> tuple[Row, ...]:
    """All rows, each once, in the order read. Raises `MalformedAnswer` after three passes that
    neither fit their own count nor agree; errors of `fetch` pass through. `seen` is told of the
    rows of each page as it comes: a hint, which may hold rows twice, and rows that go away."""
    before: _Pass[Row] | None = None
    why = ""
    for _ in range(PASSES):
        found = await _read_pass(endpoint, paging, fetch, seen or _ignore)
        why = found.judge()
        if not why:
            return tuple(found.rows)
        if before is not None and _agree(before, found):
            return tuple(found.unique().values())
        before = found
    raise MalformedAnswer(endpoint, "$", f"{why}, in {PASSES} readings of the whole list")


def _ignore(_rows: Sequence[Row]) -> None:
    """Nobody wants to be told."""


def _agree(before: _Pass[Row], found: _Pass[Row]) -> bool:
    """Two passes without a fault of their own that saw the same names and the same last count.

    They must have as many rows as announced: a list that names one row twice passes, a list
    that lost one does not.
    """
    if before.fault or found.fault or len(found.totals) > 1:
        return False
    is_whole = len(found.rows) == next(iter(found.totals))
    return is_whole and set(before.names) == set(found.names)


async def _read_pass(
    endpoint: str, paging: Paging, fetch: Fetch[Row], seen: Callable[[Sequence[Row]], None]
) -> _Pass[Row]:
    found: _Pass[Row] = _Pass()
    limit = paging.largest
    seen_pages: set[tuple[Any, ...]] = set()
    ahead = _Ahead(fetch, limit, seen)
    longest = LARGEST_LIST
    try:
        while True:
            page = await ahead.page(len(found.rows))
            if not found.totals:
                longest = min(longest, 2 * page.total + 10 * limit)
            found.totals.add(page.total)
            _check_page(endpoint, page, limit, longest)
            if not page.rows:
                return found
            names = tuple(
                _name(paging, len(found.rows) + i, row) for i, row in enumerate(page.rows)
            )
            if len(set(names)) != len(names):
                raise MalformedAnswer(endpoint, "$", "one page holds the same row twice")
            content = names if paging.key else page.rows
            if content in seen_pages and len(content) > 1:
                found.fault = "a page came twice"
                return found
            seen_pages.add(content)
            found.rows.extend(page.rows)
            found.names.extend(names)
            if len(found.rows) > longest:
                raise MalformedAnswer(endpoint, "$", "the list does not end")
            # A full page that reaches the count is followed by one more call: an understated
            # count must not cut the list.
            if len(found.rows) > page.total or (len(page.rows) < limit and _is_all(found, page)):
                return found
    finally:
        ahead.stop()


class _Ahead(Generic[Row]):
    """Asks for the pages that the first one announces all at once: at a second of latency a
    list read page by page would take longer than the fleet it names."""

    def __init__(
        self, fetch: Fetch[Row], limit: int, seen: Callable[[Sequence[Row]], None]
    ) -> None:
        self._fetch = fetch
        self._limit = limit
        self._seen = seen
        self._under_way: dict[int, asyncio.Task[Page[Row]]] = {}

    async def page(self, offset: int) -> Page[Row]:
        """The page at an offset, asked for before where it was foreseen."""
        task = self._under_way.pop(offset, None)
        if task is not None:
            return await task
        page = await self._read(offset)
        if offset == 0 and len(page.rows) == self._limit:
            last = min(page.total, self._limit * 1000)
            for later in range(self._limit, last, self._limit):
                self._under_way[later] = asyncio.create_task(self._read(later))
        return page

    async def _read(self, offset: int) -> Page[Row]:
        page = await self._fetch(offset, self._limit)
        self._seen(page.rows)
        return page

    def stop(self) -> None:
        """Withdraws what is no longer wanted; an error there is nobody's."""
        for task in self._under_way.values():
            task.cancel()
            task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _is_all(found: _Pass[Row], page: Page[Row]) -> bool:
    return len(found.rows) >= page.total


def _name(paging: Paging, index: int, row: Row) -> Hashable:
    return paging.key(row) if paging.key else index


def _check_page(endpoint: str, page: Page[Row], limit: int, longest: int) -> None:
    if len(page.rows) > limit:
        raise MalformedAnswer(endpoint, "$", f"{len(page.rows)} rows, where {limit} were asked")
    if page.total > longest:
        raise MalformedAnswer(endpoint, "$", f"a list that grows to {page.total} rows")
