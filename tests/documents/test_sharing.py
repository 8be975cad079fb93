"""What is said of two selectors without the fleet holds for every fleet."""

from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.core.observation import Account, Organization, Status
from budgetd.core.policies.selector import Match, admits, selects
from budgetd.core.policies.sharing import Sharing, covers, share_accounts, share_texts

GLOBS = ["*", "a*", "*b", "ab", "a?", "ab*", "?b", "b", "a[bc]", "ba", "*a*"]
NAMES = ["a", "b", "ab", "ba", "abb", "bab", "ac", ""]
PATHS = ["/", "/**", "/*", "/A", "/A/*", "/A/**", "/A/B", "/A/B/*", "/A/B/**", "/B", "/A/A/B"]
UNITS = [(), ("A",), ("B",), ("A", "A"), ("A", "B"), ("A", "A", "B"), ("A", "B", "C")]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2)


LEAF = st.fixed_dictionaries(
    {},
    optional={
        "id": some(["1", "2", "3"]),
        "name": some(GLOBS),
        "display_name": some(GLOBS),
        "org": st.one_of(some(PATHS), st.fixed_dictionaries({"id": some(["u1", "u2"])})),
        "status": some(["normal", "closing", "closed"]),
    },
).filter(bool)
SELECTORS = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda leaf, parts: {**leaf, "any": parts}, LEAF, st.lists(inner, min_size=1)),
        st.builds(lambda part: {"any": [part]}, inner),
        st.builds(lambda leaf, part: {**leaf, "not": part}, LEAF, inner),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=4,
).map(Match.model_validate)
ACCOUNTS = st.builds(
    Account,
    id=st.sampled_from(["1", "2", "3", "4"]),
    name=st.sampled_from(NAMES),
    display_name=st.sampled_from(NAMES),
    status=st.sampled_from([Status.NORMAL, Status.CLOSING, Status.CLOSED]),
    organization=st.one_of(
        st.none(),
        st.builds(
            Organization,
            id=st.sampled_from(["u1", "u2", "u3"]),
            name=st.just("x"),
            path=st.sampled_from(UNITS),
        ),
    ),
)


def is_meant(selector: Match, account: Account) -> bool:
    """As rules mean it: only normal accounts, but where their status is named."""
    is_open = admits(selector, account)
    return is_open and selects(selector, account) is True


@given(first=SELECTORS, second=SELECTORS, accounts=st.lists(ACCOUNTS, min_size=5, max_size=12))
@settings(max_examples=250)
def test_what_never_shares_has_no_common_account(
    first: Match, second: Match, accounts: list[Account]
) -> None:
    sharing = share_accounts(first, second)
    assert share_accounts(second, first) is sharing
    if sharing is Sharing.NEVER:
        for account in accounts:
            assert not (is_meant(first, account) and is_meant(second, account)), account


@given(first=SELECTORS, second=SELECTORS, accounts=st.lists(ACCOUNTS, min_size=5, max_size=12))
@settings(max_examples=250)
def test_what_is_covered_is_selected(first: Match, second: Match, accounts: list[Account]) -> None:
    if covers(first, second):
        for account in accounts:
            assert is_meant(first, account) or not is_meant(second, account), account


@given(first=LEAF.map(Match.model_validate))
@settings(max_examples=100)
def test_a_selector_surely_shares_accounts_with_itself_and_with_all(first: Match) -> None:
    assert share_accounts(first, first) is Sharing.SURELY
    if first.status is None:
        assert share_accounts("all", first) is Sharing.SURELY


@given(left=some(GLOBS), right=some(GLOBS), text=st.sampled_from(NAMES))
@settings(max_examples=300)
def test_globs_that_never_share_have_no_common_text(
    left: list[str], right: list[str], text: str
) -> None:
    if share_texts(left, right) is Sharing.NEVER:
        both = Match(name=tuple(left)), Match(name=tuple(right))
        account = Account(
            id="1", name=text, display_name="", status=Status.NORMAL, organization=None
        )
        assert not all(selects(one, account) for one in both)
