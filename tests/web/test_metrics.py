"""The metrics: every row of the table, unknown absent, nothing of an account, hostile bytes."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from budgetd.core.standing import Lasts, Next
from budgetd.ledger.store import Ledger
from budgetd.service.account import cut_short
from budgetd.web.measures import CapShares
from budgetd.web.metrics import METRICS, metrics_document, metrics_text, series_name
from budgetd.web.seen import Seen

from .scene import HOSTILE, NOW, filled, fleet, seen_of

ROOT = Path(__file__).resolve().parents[2]


def scraped(seen: Seen) -> dict[str, Family]:
    """The families, read as Prometheus reads them."""
    return {
        family.name: family
        for family in text_string_to_metric_families(metrics_text(seen, CapShares()).decode())
    }


def values(family: Family) -> dict[tuple[str, ...], float]:
    """The samples by their label values, in order of the labels."""
    return {
        tuple(sample.labels[name] for name in sorted(sample.labels)): sample.value
        for sample in family.samples
    }


def test_the_page_of_metrics_is_the_table() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == metrics_document()
    for metric in METRICS:
        assert re.fullmatch(r"budgetd_[a-z_]+", metric.name)
        assert metric.help.endswith(".")


def test_every_metric_is_scraped_and_only_unknown_ones_are_absent(ledger: Ledger) -> None:
    found = scraped(seen_of(ledger, fleet(40)))
    assert {metric.name for metric in METRICS} <= set(found)
    empty = {metric.name for metric in METRICS if not found[metric.name].samples}
    assert empty == {"budgetd_master_runway_seconds"}
    assert {"process_open_fds", "process_resident_memory_bytes"} <= set(found)


def test_a_runway_is_scraped_once_it_is_known_and_ends(ledger: Ledger) -> None:
    seen = seen_of(ledger, fleet(40))
    for low_s, expected in ((86400, {("cash",): 86400.0}), (None, {})):
        lasts = Lasts(low_s=low_s, middle_s=None, high_s=None)
        master = tuple(
            replace(one, lasts=lasts if one.instrument == "cash" else None)
            for one in seen.standing.master
        )
        found = scraped(replace(seen, standing=replace(seen.standing, master=master)))
        assert values(found["budgetd_master_runway_seconds"]) == expected


def test_before_the_first_cycle_what_is_not_known_is_absent(ledger: Ledger) -> None:
    found = scraped(seen_of(ledger))
    for name in ("budgetd_last_cycle_timestamp_seconds", "budgetd_master_available_money"):
        assert found[name].samples == []
    assert values(found["budgetd_policies_reload_success"]) == {(): 1}


def test_of_a_cycle_that_was_cut_short_no_fleet_of_nobody_is_told(ledger: Ledger) -> None:
    seen = seen_of(ledger, fleet(40))
    last = cut_short("c1", NOW, NOW, "the provider does not answer")
    found = scraped(replace(seen, standing=replace(seen.standing, last=last)))
    assert values(found["budgetd_last_cycle_stopped"]) == {(): 1}
    for name in ("accounts", "accounts_read", "unreadable_accounts", "withheld", "alerts"):
        assert found[f"budgetd_last_cycle_{name}"].samples == []


def test_what_the_ledger_knows_is_counted(ledger: Ledger) -> None:
    found = scraped(seen_of(ledger, fleet(40)))
    assert values(found["budgetd_transfers"]) == {
        ("allocate", "cash", "settled"): 2,
        ("allocate", "cash", "refused"): 1,
        ("allocate", "cash", "in_doubt"): 1,
    }
    assert values(found["budgetd_moved_money"]) == {("CNY", "allocate", "cash"): 200}
    assert values(found["budgetd_open_money"]) == {("CNY", "allocate", "cash"): 100}
    assert values(found["budgetd_doubts"]) == {(): 1}
    assert values(found["budgetd_proposals_waiting"]) == {("open",): 1, ("approved",): 0}
    assert values(found["budgetd_pauses"]) == {("by_hand",): 1, ("latched",): 0}
    assert values(found["budgetd_limit_per_day_used_ratio"]) == {
        ("allocate",): 0.0006,
        ("reclaim",): 0,
    }


def test_caps_are_counted_as_the_rules_count_them_and_once_an_observation(
    ledger: Ledger,
) -> None:
    seen = seen_of(ledger, fleet(40))
    caps = CapShares()
    rows = caps.of(seen)
    assert [(labels, f"{share:.4f}") for labels, share in rows] == [
        (("production/keep-alive", "account_per_day"), "0.0667")
    ]
    assert caps.of(replace(seen, now=NOW + timedelta(minutes=1))) is rows
    assert caps.of(seen_of(ledger)) == ()


def test_a_refused_reload_is_seen(ledger: Ledger) -> None:
    seen = seen_of(ledger, fleet(3))
    policies = replace(seen.standing.policies, problems=("policies/p.yaml:1:1: not YAML",))
    refused = replace(seen, standing=replace(seen.standing, policies=policies))
    assert values(scraped(refused)["budgetd_policies_reload_success"]) == {(): 0}


def test_there_is_no_series_an_account_and_no_name_of_one(tmp_path: Path) -> None:
    few, many = fleet(20, HOSTILE), fleet(400, HOSTILE)
    ledger = filled(tmp_path / "hostile.db", few)
    small, large = (
        metrics_text(seen_of(ledger, some), CapShares()).decode() for some in (few, many)
    )
    assert len(large.splitlines()) <= len(small.splitlines()) + 2
    for one in few:
        assert one.id not in large
        assert one.name not in large
    ledger.close()


def test_hostile_labels_stay_labels(ledger: Ledger) -> None:
    seen = seen_of(ledger, fleet(3))
    at = seen.now
    coming = tuple(Next(what=name, at=at) for name in HOSTILE)
    found = scraped(replace(seen, standing=replace(seen.standing, next=coming)))
    assert len(found["budgetd_next_timestamp_seconds"].samples) == len(HOSTILE)
    assert series_name(METRICS[0]) in found
