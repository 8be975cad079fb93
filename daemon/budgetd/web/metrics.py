"""The metrics: one table of what is measured, read at each scrape from what the daemon has.

docs/metrics.md is written from the table. There is no series an account: ten thousand would
cost every scrape a third of a second. It may not keep or count anything itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from budgetd.core.decisions.limits import RECENT
from budgetd.core.intent import OPEN, State
from budgetd.ledger.tally import tallies
from budgetd.report.harmless import harmless
from budgetd.web import measures
from budgetd.web.measures import CapShares, Rows, Scrape
from budgetd.web.seen import Seen

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One name of the table. `rows` gives label values and the value of each series; without
    any, the metric is absent: unknown is not zero."""

    name: str
    help: str
    rows: Rows
    labels: tuple[str, ...] = ()
    is_counter: bool = False


_WAY = ("direction", "instrument", "currency")

METRICS: tuple[Metric, ...] = (
    Metric(
        name="budgetd_info",
        help="The enterprise, the master switch and the policies in force; always 1.",
        labels=("enterprise", "mode", "policies"),
        rows=lambda scrape: [
            (
                (
                    harmless(scrape.seen.standing.enterprise),
                    harmless(scrape.seen.standing.mode),
                    harmless(scrape.seen.standing.policies.digest),
                ),
                1,
            )
        ],
    ),
    Metric(
        name="budgetd_started_timestamp_seconds",
        help="When the daemon started.",
        rows=lambda scrape: measures.one(measures.timestamp(scrape.seen.standing.started_at)),
    ),
    Metric(
        name="budgetd_policies_rules",
        help="Rules in force.",
        rows=lambda scrape: measures.one(scrape.seen.standing.policies.rules),
    ),
    Metric(
        name="budgetd_policies_loaded_timestamp_seconds",
        help="When the policies in force were loaded.",
        rows=lambda scrape: measures.one(
            measures.timestamp(scrape.seen.standing.policies.loaded_at)
        ),
    ),
    Metric(
        name="budgetd_policies_reload_success",
        help="1 where the last reload took effect, 0 where it was refused and the last good "
        "policies stayed.",
        rows=lambda scrape: measures.one(int(not scrape.seen.standing.policies.problems)),
    ),
    Metric(
        name="budgetd_policies_reload_timestamp_seconds",
        help="When policies were last loaded or refused.",
        rows=lambda scrape: measures.one(
            measures.timestamp(scrape.seen.standing.policies.tried_at)
        ),
    ),
    Metric(
        name="budgetd_last_cycle_timestamp_seconds",
        help="When the last cycle ended; absent before the first.",
        rows=measures.of_last(lambda last: measures.timestamp(last.ended_at)),
    ),
    Metric(
        name="budgetd_last_cycle_duration_seconds",
        help="How long the last cycle took.",
        rows=measures.of_last(lambda last: measures.seconds(last.ended_at - last.began_at)),
    ),
    Metric(
        name="budgetd_last_cycle_stopped",
        help="1 where the last cycle ended early, without doing all it had planned.",
        rows=measures.of_last(lambda last: int(bool(last.stopped))),
    ),
    Metric(
        name="budgetd_last_cycle_accounts",
        help="Accounts of the fleet in the last cycle.",
        rows=measures.of_plan(lambda last: last.accounts),
    ),
    Metric(
        name="budgetd_last_cycle_accounts_read",
        help="Accounts that the last cycle had a reading of.",
        rows=measures.of_plan(lambda last: last.accounts_read),
    ),
    Metric(
        name="budgetd_last_cycle_unreadable_accounts",
        help="Accounts of which something could not be read.",
        rows=measures.of_plan(lambda last: last.unreadable),
    ),
    Metric(
        name="budgetd_last_cycle_held",
        help="Holds of the last cycle, by reason.",
        labels=("reason",),
        rows=measures.held,
    ),
    Metric(
        name="budgetd_last_cycle_transfers",
        help="Transfers of the last cycle, by where they ended.",
        labels=("state",),
        rows=measures.ended,
    ),
    Metric(
        name="budgetd_last_cycle_withheld",
        help="Transfers that a limit withheld in the last cycle.",
        rows=measures.of_plan(lambda last: last.withheld),
    ),
    Metric(
        name="budgetd_last_cycle_alerts",
        help="Alerts that held in the last cycle.",
        rows=measures.of_plan(lambda last: last.alerts),
    ),
    Metric(
        name="budgetd_next_timestamp_seconds",
        help="When something comes next: a rule's slot or tick, or the reading of the fleet.",
        labels=("what",),
        rows=measures.coming,
    ),
    Metric(
        name="budgetd_readings",
        help="Accounts by the state of their newest reading; only ok may act.",
        labels=("instrument", "state"),
        rows=measures.readings,
    ),
    Metric(
        name="budgetd_readings_oldest_age_seconds",
        help="The age of the oldest of the newest readings.",
        labels=("instrument",),
        rows=measures.oldest,
    ),
    Metric(
        name="budgetd_transfers",
        help="Transfers in the ledger, by where they stand now.",
        labels=("state", "direction", "instrument"),
        rows=measures.transfers,
    ),
    Metric(
        name="budgetd_moved_money",
        help="Money that moved, in the currency of the label.",
        labels=_WAY,
        is_counter=True,
        rows=lambda scrape: measures.money(scrape, frozenset({State.SETTLED})),
    ),
    Metric(
        name="budgetd_open_money",
        help="Money that may still move: promised, being sent, or in doubt.",
        labels=_WAY,
        rows=lambda scrape: measures.money(
            scrape,
            OPEN,
        ),
    ),
    Metric(
        name="budgetd_doubts",
        help="Transfers that are in doubt or need a person.",
        rows=measures.doubts,
    ),
    Metric(
        name="budgetd_proposals_waiting",
        help="Proposals by whether a person has agreed: open or approved.",
        labels=("state",),
        rows=measures.waiting,
    ),
    Metric(
        name="budgetd_pauses",
        help="Pauses in force: latched by budgetd itself, or set by hand.",
        labels=("kind",),
        rows=measures.pauses,
    ),
    Metric(
        name="budgetd_limit_per_day_used_ratio",
        help="What moved in 24 hours or may yet, as a share of limits.per_day.amount.",
        labels=("direction",),
        rows=measures.used(lambda seen: seen.limits.per_day_amount, DAY),
    ),
    Metric(
        name="budgetd_limit_per_cycle_used_ratio",
        help="What moved in 15 minutes or may yet, as a share of limits.per_cycle.amount.",
        labels=("direction",),
        rows=measures.used(lambda seen: seen.limits.per_cycle_amount, RECENT),
    ),
    Metric(
        name="budgetd_cap_used_ratio",
        help="How much of each cap was used when the last cycle decided; of a cap of accounts, by "
        "the fullest one.",
        labels=("rule", "cap"),
        rows=lambda scrape: scrape.caps,
    ),
    Metric(
        name="budgetd_master_available_money",
        help="What the master has to give, in the currency of the label; absent while unknown.",
        labels=("instrument", "currency"),
        rows=measures.master,
    ),
    Metric(
        name="budgetd_master_runway_seconds",
        help="How long it feeds the accounts of top-ups, less the reserve, at the upper edge of "
        "their burn; absent until that is known, or where it has no end.",
        labels=("instrument",),
        rows=measures.runway,
    ),
    Metric(
        name="budgetd_provider_calls",
        help="Calls that left for the provider since the start, by API.",
        labels=("api",),
        is_counter=True,
        rows=measures.of_quota(lambda quota: quota.calls),
    ),
    Metric(
        name="budgetd_provider_throttled",
        help="Calls that met the provider's quota (429).",
        labels=("api",),
        is_counter=True,
        rows=measures.of_quota(lambda quota: quota.throttled),
    ),
    Metric(
        name="budgetd_provider_quota_calls_per_second",
        help="The quota of the API, as the configuration has it.",
        labels=("api",),
        rows=measures.of_quota(lambda quota: quota.per_second),
    ),
)


class _Look(Collector):
    """The families of one scrape."""

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            kind = CounterMetricFamily if metric.is_counter else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            for labels, value in metric.rows(self._scrape):
                # Prometheus knows floats alone; nothing of ours reads it again.
                family.add_metric(labels, float(value))
            yield family


def metrics_text(seen: Seen, caps: CapShares) -> bytes:
    """One scrape, in the text form of Prometheus; `caps` is the same from scrape to scrape."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    scrape = Scrape(seen=seen, tallies=tallies(seen.past), caps=caps.of(seen))
    registry.register(_Look(scrape))
    return generate_latest(registry)


def series_name(metric: Metric) -> str:
    """The name under which the metric is scraped."""
    return f"{metric.name}_total" if metric.is_counter else metric.name


def metrics_document() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "`/metrics` at `web.listen` has them in the text form of Prometheus. Amounts of money are",
        "in the currency of their label. What is unknown is absent, never zero. There is no series",
        "an account: `budgetd accounts --format json` tells of each. Beside these stand the",
        "`process_*` metrics: CPU, memory, file descriptors.",
        "",
        "| metric | kind | labels | what |",
        "| --- | --- | --- | --- |",
    ]
    for metric in METRICS:
        kind = "counter" if metric.is_counter else "gauge"
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{series_name(metric)}` | {kind} | {labels} | {metric.help} |")
    return "\n".join([*lines, ""])
