"""What a pause or a resume is about: names of policies, rules and accounts, checked.

It may not pause anything.
"""

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import say
from budgetd.core.documents.problem import InputError

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.ledger.store import Ledger

RECENT = 200
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def check_rule_name(config: "Config", name: str) -> None:
    """Raises `UsageError` for a policy or rule that there is not, with the nearest word.

    Policies that cannot be read stop no pause: the name is taken as it is, which is said.
    """
    from budgetd.config import load_policies

    try:
        rules = [rule for rule, _ in load_policies(config.policies, config).policy_set.rules()]
    except InputError:
        say("warning: the policies are invalid (`budgetd check`), so the name was not checked")
        return
    names = sorted({rule.partition("/")[0] for rule in rules}) + rules
    if name not in names:
        raise click.UsageError(f"there is no policy or rule {name!r}{_nearest(name, names)}")


def known_names(ledger: "Ledger") -> dict[str, str]:
    """The account names that moves and proposals have told, by id."""
    from budgetd.ledger import looking, proposals

    proposed = {
        item.unit.account_id: item.account_name
        for proposal in proposals.newest(ledger, RECENT)
        for item in proposal.items
    }
    return proposed | looking.account_names(ledger)


def account_id_of(wanted: str, names: Mapping[str, str]) -> str:
    """The id that is meant by an id, or by a name the ledger knows (`names` by id).

    Raises `UsageError` for a name that it does not know, or of several accounts.
    """
    if wanted in names or _ID.fullmatch(wanted):
        return wanted
    found = sorted(account_id for account_id, name in names.items() if name == wanted)
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(
            f"--account: {len(found)} accounts are called {wanted!r}; give the id: "
            + ", ".join(found)
        )
    raise click.UsageError(
        f"--account: the ledger knows no account {wanted!r}{_nearest(wanted, list(names.values()))}"
        "; give its id of 32 hex digits, which `budgetd accounts` lists"
    )


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=3)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(words)}" if 0 < len(words) <= 12 else ""
