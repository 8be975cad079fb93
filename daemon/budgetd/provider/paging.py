"""A whole list out of pages that may repeat, skip, or change while they are read.

No list of the provider documents its order, so a list is believed when one pass over it fits
its own count, or when two passes agree. It may not call anything: the page source is given.
"""

from collections.abc import Awaitable, Callable, Hashable
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


async def read_pages(endpoint: str, paging: Paging, fetch: Fetch[Row]) -> tuple[Row, ...]:
    """All rows, each once, in the order read. Raises `MalformedAnswer` after three passes that
    neither fit their own count nor agree; errors of `fetch` pass through."""
    before: _Pass[Row] | None = None
    why = ""
    for _ in range(PASSES):
        found = await _read_pass(endpoint, paging, fetch)
        why = found.judge()
        if not why:
            return tuple(found.rows)
        if before is not None and _agree(before, found):
            return tuple(found.unique().values())
        before = found
    raise MalformedAnswer(endpoint, "$", f"{why}, in {PASSES} readings of the whole list")


def _agree(before: _Pass[Row], found: _Pass[Row]) -> bool:
    """Two passes without a fault of their own that saw the same names and the same last count.

    They must have as many rows as announced: a list that names one row twice passes, a list
    that lost one does not.
    """
    if before.fault or found.fault or len(found.totals) > 1:
        return False
    is_whole = len(found.rows) == next(iter(found.totals))
    return is_whole and set(before.names) == set(found.names)


async def _read_pass(endpoint: str, paging: Paging, fetch: Fetch[Row]) -> _Pass[Row]:
    found: _Pass[Row] = _Pass()
    limit = paging.largest
    seen_pages: set[tuple[Any, ...]] = set()
    longest = LARGEST_LIST
    while True:
        page = await fetch(len(found.rows), limit)
        if not found.totals:
            longest = min(longest, 2 * page.total + 10 * limit)
        found.totals.add(page.total)
        _check_page(endpoint, page, limit, longest)
        if not page.rows:
            return found
        names = tuple(_name(paging, len(found.rows) + i, row) for i, row in enumerate(page.rows))
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
        # A full page that reaches the count is followed by one more call: an understated count
        # must not cut the list.
        if len(found.rows) > page.total or (len(page.rows) < limit and _is_all(found, page)):
            return found


def _is_all(found: _Pass[Row], page: Page[Row]) -> bool:
    return len(found.rows) >= page.total


def _name(paging: Paging, index: int, row: Row) -> Hashable:
    return paging.key(row) if paging.key else index


def _check_page(endpoint: str, page: Page[Row], limit: int, longest: int) -> None:
    if len(page.rows) > limit:
        raise MalformedAnswer(endpoint, "$", f"{len(page.rows)} rows, where {limit} were asked")
    if page.total > longest:
        raise MalformedAnswer(endpoint, "$", f"a list that grows to {page.total} rows")
