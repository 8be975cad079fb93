"""Why a selector leaves an account out, and when the span of a cap ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.core.decisions.explaining import misses
from budgetd.core.moment import day_of, month_of, week_of
from budgetd.core.observation import Account, Organization, Status
from budgetd.core.plans.explaining import span_end
from budgetd.core.policies.selector import Match, selects

LABELS = {"day": day_of, "week": week_of, "month": month_of}
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"]


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2)


LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "id": some("1", "2"),
        "name": some("a*", "*b", "ab", "?"),
        "display_name": some("a*", "b"),
        "org": st.one_of(some("/A", "/A/*", "/**"), st.just({"id": ["u1"]})),
        "status": some("normal", "closing"),
    },
).filter(bool)
SELECTORS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda leaf, parts: {**leaf, "any": parts}, LEAVES, st.lists(inner, min_size=1)),
        st.builds(lambda leaf, part: {**leaf, "not": part}, LEAVES, inner),
    ),
    max_leaves=4,
).map(Match.model_validate)
UNITS = st.one_of(
    st.none(),
    st.builds(
        Organization,
        id=st.sampled_from(["u1", "u2"]),
        name=st.just("x"),
        path=st.sampled_from([(), ("A",), ("A", "B"), ("B",)]),
    ),
)
ACCOUNTS = st.builds(
    Account,
    id=st.sampled_from(["1", "2", "3"]),
    name=st.sampled_from(["a", "b", "ab", "ba"]),
    display_name=st.sampled_from(["", "a", "b"]),
    status=st.sampled_from([Status.NORMAL, Status.CLOSING]),
    organization=UNITS,
)


@given(selector=SELECTORS, account=ACCOUNTS)
@settings(max_examples=300)
def test_a_key_is_named_exactly_where_the_selector_leaves_the_account_out(
    selector: Match, account: Account
) -> None:
    assert bool(misses(selector, account)) is (selects(selector, account) is not True)


@given(
    at=st.integers(0, 4 * 365 * 24 * 3600).map(lambda s: BEGINS + timedelta(seconds=s)),
    span=st.sampled_from(sorted(LABELS)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_span_ends_with_its_last_local_instant(at: datetime, span: str, zone: ZoneInfo) -> None:
    end, label = span_end(span, at, zone), LABELS[span]
    assert end is not None
    assert end > at
    assert label(end, zone) != label(at, zone)
    assert label(end - timedelta(microseconds=1), zone) == label(at, zone)


@pytest.mark.parametrize("word", ["ever", ""])
def test_what_has_no_end_has_none(word: str) -> None:
    assert span_end(word, datetime(2026, 11, 30, tzinfo=UTC), ZoneInfo("UTC")) is None
