"""What a daemon does, for machines: `budgetd.status/1`, amounts as text, times as RFC 3339.

It may not look anything up.
"""

from datetime import datetime

from budgetd.core.moment import format_instant
from budgetd.core.standing import Done, Funds, Standing
from budgetd.report.ahead import edges_s, until
from budgetd.report.pauses import pauses_json
from budgetd.report.proposals_json import proposals_json
from budgetd.report.status import Told, verdict
from budgetd.report.transfers_json import moves_json

Json = dict[str, object]


def status_json(told: Told) -> Json:
    """`running`, `late` and `well` are the verdict; what no daemon has said is null. A runway is
    null until burn is known, else in seconds at both edges of the burn and at its middle; each is
    null where it has no end."""
    said = told.standing
    words, cure = verdict(told)
    return {
        "format": "budgetd.status/1",
        "running": told.is_running,
        "late": told.is_late,
        "well": told.is_well,
        "verdict": words,
        "cure": cure or None,
        "unreadable": told.unread or None,
        "currency": told.currency,
        **_said(said),
        "proposals": proposals_json(told.proposals)["proposals"],
        "doubts": moves_json(told.doubts, told.names)["transfers"],
        "held_by_doubt": told.is_held_by_doubt,
        "pauses": pauses_json(told.pauses)["pauses"],
        "transfers": moves_json(told.recent, told.names)["transfers"],
    }


def _said(said: Standing | None) -> Json:
    names = ("enterprise", "mode", "process", "started_at", "said_at", "stopping", "policies")
    if said is None:
        return dict.fromkeys((*names, "last_cycle")) | {"next": [], "master": [], "worst": []}
    policies = said.policies
    return {
        "enterprise": said.enterprise,
        "mode": said.mode,
        "process": said.process,
        "started_at": format_instant(said.started_at),
        "said_at": format_instant(said.at),
        "stopping": said.is_stopping,
        "policies": {
            "digest": policies.digest,
            "rules": policies.rules,
            "loaded_at": format_instant(policies.loaded_at),
            "tried_at": format_instant(policies.tried_at),
            "refused": bool(policies.problems),
            "problems": list(policies.problems),
        },
        "last_cycle": _done(said.last) if said.last else None,
        "next": [{"what": one.what, "at": format_instant(one.at)} for one in said.next],
        "master": [_funds(funds) for funds in said.master],
        "worst": [
            {
                "account": {"id": one.id, "name": one.label},
                "runway_s": edges_s(one.lasts),
                "kept_s": None if one.kept is None else edges_s(one.kept.lasts),
                "kept_until": None if one.kept is None else until(one.kept),
            }
            for one in said.worst
        ],
    }


def _done(last: Done) -> Json:
    return {
        "id": last.id,
        "began_at": format_instant(last.began_at),
        "ended_at": format_instant(last.ended_at),
        "accounts": last.accounts if last.has_plan else None,
        "accounts_read": last.accounts_read if last.has_plan else None,
        "unreadable": last.unreadable if last.has_plan else None,
        "unread_why": last.unread_why or None,
        "transfers": dict(last.transfers),
        "moved": dict(last.moved),
        "held": dict(last.held),
        "proposals": last.proposals,
        "withheld": last.withheld,
        "alerts": last.alerts,
        "still_open": last.still_open,
        "stopped": last.stopped or None,
    }


def _funds(funds: Funds) -> Json:
    return {
        "instrument": funds.instrument,
        "available": funds.available,
        "read_at": _instant(funds.read_at),
        "why": funds.why or None,
        "runway_s": edges_s(funds.lasts) if funds.lasts is not None else None,
    }


def _instant(at: datetime | None) -> str | None:
    return format_instant(at) if at else None
