"""A list is believed when it fits its own count or two passes agree, and reading it ends."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetd.provider.answers import Page
from budgetd.provider.errors import InvalidRequest, MalformedAnswer
from budgetd.provider.operations import MEMBERS, ORGANIZATIONS, Paging
from budgetd.provider.paging import read_pages

from .raw_server import RawServer, answer
from .test_client_reads import client_of

NAMED = Paging(largest=10, key=lambda row: row)
NAMELESS = Paging(largest=10, key=None)
Source = Callable[[int, int, int], Page[Any]]


async def read(source: Source, paging: Paging = NAMED) -> tuple[tuple[Any, ...], int]:
    calls = 0

    async def fetch(offset: int, limit: int) -> Page[Any]:
        nonlocal calls
        calls += 1
        assert calls < 2000
        return source(offset, limit, calls)

    return await read_pages("GET /list", paging, fetch), calls


def honest(rows: list[Any]) -> Source:
    return lambda offset, limit, _: Page(rows=tuple(rows[offset : offset + limit]), total=len(rows))


@given(size=st.integers(0, 65), is_named=st.booleans())
async def test_an_honest_list_is_read_whole_in_one_pass(size: int, is_named: bool) -> None:
    found, calls = await read(honest(list(range(size))), NAMED if is_named else NAMELESS)
    assert found == tuple(range(size))
    assert calls == size // 10 + 1


async def test_rows_without_names_may_be_equal() -> None:
    found, _ = await read(honest([7] * 5), NAMELESS)
    assert found == (7,) * 5


async def test_a_list_that_grew_while_it_was_read_is_read_again() -> None:
    def source(offset: int, limit: int, call: int) -> Page[Any]:
        return honest(list(range(25 if call == 1 else 26)))(offset, limit, call)

    found, calls = await read(source)
    assert found == tuple(range(26))
    assert calls == 6


async def test_a_row_that_slid_to_the_next_page_is_not_counted_twice() -> None:
    def source(offset: int, limit: int, call: int) -> Page[Any]:
        rows = list(range(20))
        if call > 1:
            rows = [99, *range(19)]
        return honest(rows)(offset, limit, call)

    found, _ = await read(source)
    assert sorted(found) == [*range(19), 99]


async def test_a_row_that_stands_on_two_pages_every_time_is_taken_once() -> None:
    found, _ = await read(honest([*range(15), 0]))
    assert found == tuple(range(15))


FAULTS: dict[str, Source] = {
    "every page is the first": lambda _o, _l, _c: Page(rows=tuple(range(10)), total=25),
    "a page is left out": lambda offset, limit, _: Page(
        rows=() if offset == 10 else tuple(range(offset, offset + limit)), total=30
    ),
    "it never ends": lambda offset, limit, _: Page(
        rows=tuple(range(offset, offset + limit)), total=30
    ),
    "it grows for ever": lambda offset, limit, _: Page(
        rows=tuple(range(offset, offset + limit)), total=offset + limit + 1
    ),
    "the count is too large": lambda offset, limit, _: Page(
        rows=tuple(range(25))[offset : offset + limit], total=27
    ),
    "the count is too small": lambda offset, limit, _: Page(
        rows=tuple(range(20))[offset : offset + limit], total=15
    ),
    "a full page hides the rest": lambda offset, limit, _: Page(
        rows=tuple(range(20))[offset : offset + limit], total=10
    ),
    "the count changes every time": lambda offset, limit, call: Page(
        rows=tuple(range(20))[offset : offset + limit], total=20 + call
    ),
    "more rows than were asked for": lambda _o, limit, _c: Page(
        rows=tuple(range(limit + 1)), total=11
    ),
    "one row twice on one page": lambda _o, _l, _c: Page(rows=(1, 1), total=2),
    "a count beyond reading": lambda _o, _l, _c: Page(rows=tuple(range(10)), total=10**9),
    "rows without a count": lambda _o, _l, _c: Page(rows=tuple(range(10)), total=0),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_list_that_contradicts_itself_is_an_error_in_bounded_calls(name: str) -> None:
    with pytest.raises(MalformedAnswer):
        await read(FAULTS[name])


@pytest.mark.parametrize("name", ["every page is the first", "it never ends", "it grows for ever"])
async def test_rows_without_names_do_not_escape_the_checks(name: str) -> None:
    with pytest.raises(MalformedAnswer):
        await read(FAULTS[name], NAMELESS)


async def test_all_members_are_read_over_http() -> None:
    async def respond(request: Any, writer: Any) -> None:
        query = dict(one.split("=") for one in request.target.partition("?")[2].split("&"))
        first, limit = int(query["offset"]), int(query["limit"])
        rows = [
            {"id": f"id{number}", "name": f"n{number}", "status": 1, "org_id": "1"}
            for number in range(first, min(first + limit, 250))
        ]
        body = {"total_count": 250, "sub_customer_infos": rows}
        writer.write(answer(200, json.dumps(body)))

    async with RawServer(respond) as server, client_of(server) as client:
        found = await client.read_all(MEMBERS)
        assert [one.id for one in found] == [f"id{number}" for number in range(250)]
        assert len(server.requests) == 3
        with pytest.raises(InvalidRequest, match="no list"):
            await client.read_all(ORGANIZATIONS)  # type: ignore[arg-type] # what mypy refuses too
