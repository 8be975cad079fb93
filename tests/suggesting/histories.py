"""Fleets with a made-up past, and policies in a folder of their own to suggest numbers for."""

import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.placing import Written, read_written
from budgetd.core.intent import Instrument, Unit
from budgetd.core.lints.linting import Fleet as LintFleet
from budgetd.core.lints.linting import Setting as LintSetting
from budgetd.core.observation import Account, Observation, Ok, Organization, Readings, Status
from budgetd.core.policies.policy import Policy
from budgetd.core.suggesting.judging import suggest
from budgetd.core.suggesting.proving import Proven, Texts, prove
from budgetd.core.suggesting.suggestion import Advice, Setting

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
LIMITS = Limits(
    zone=ZONE,
    reserve=Decimal("0.00"),
    never=None,
    per_cycle_amount=Decimal("100000.00"),
    per_cycle_transfers=100,
    per_cycle_share=Decimal("0.5"),
    per_day_amount=Decimal("500000.00"),
    approval_above=Decimal("20000.00"),
    reflected_after=timedelta(minutes=15),
    unknown_readings=Decimal("0.1"),
    act_within=timedelta(minutes=2),
)
SETTING = Setting(limits=LIMITS, max_staleness=timedelta(minutes=30), now=NOW)
HEAD_OF: Any = {"enterprise": "acme", "at": NOW}
WORKDAYS = tuple(map(Decimal, ("1.3", "1.3", "1.3", "1.3", "1.3", "0.25", "0.25")))


class Dice(Random):
    """Thrown by a seed: the same past by the same one."""


def account(name: str, unit: str = "R&D") -> Account:
    """A normal account in a unit below the root."""
    organization = Organization(id=unit, name=unit, path=(unit,))
    return Account(
        id=f"id-{name}",
        name=name,
        display_name="",
        status=Status.NORMAL,
        organization=organization,
    )


def burn(level: str, days: str = "28", weekdays: tuple[Decimal, ...] | None = None) -> Burn:
    """An account that spends so much a day, give or take a fifth."""
    known = Burn(
        at=NOW,
        value=Decimal("100.00"),
        level=Decimal(level),
        spread=Decimal("0.04"),
        doubt=Decimal("0.0009"),
        days_observed=Decimal(days),
    )
    return known if weekdays is None else replace(known, weekdays=weekdays)


def observed(burns: dict[str, Burn | None], unit: str = "R&D") -> Observation:
    """A fleet by name, with what is known of the spending of each."""
    accounts = tuple(account(name, unit) for name in sorted(burns))
    return Observation(
        taken_at=NOW,
        currency="CNY",
        accounts=accounts,
        readings={},
        master=Readings(cash=Ok(Decimal("90000000.00"), NOW)),
        burns={
            Unit(account_id=f"id-{name}", instrument=Instrument.CASH): known
            for name, known in burns.items()
            if known is not None
        },
    )


def made_fleet(seed: str) -> Observation:
    """Ten accounts in each of two units, much alike."""
    dice = Dice(seed)
    fleets = [
        observed(
            {
                f"{unit.lower()}-{number}": burn(
                    f"{level * dice.uniform(0.6, 1.6):.2f}",
                    f"{dice.uniform(8, 28):.2f}",
                    dice.choice((None, WORKDAYS)),
                )
                for number in range(10)
            },
            unit,
        )
        for unit, level in (("R&D", dice.choice((3, 80, 900))), ("Projects", 40))
    ]
    return replace(
        fleets[0],
        accounts=tuple(one for fleet in fleets for one in fleet.accounts),
        burns={unit: known for fleet in fleets for unit, known in fleet.burns.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Policies in a folder, read as they lie there."""

    folder: Path
    written: tuple[Written[Policy], ...]

    @property
    def texts(self) -> dict[str, str]:
        """Each text by its path, a byte order mark kept."""
        return {one.path: (self.folder / one.path).read_bytes().decode() for one in self.written}

    def proven(
        self, observation: Observation, setting: Setting = SETTING, only: str | None = None
    ) -> tuple[tuple[Advice, ...], Proven]:
        """What is suggested, and what of it stands once it is judged."""
        advice = suggest(self.written, observation, setting, only)
        fleet = LintFleet(
            accounts=observation.accounts,
            master_cash=Decimal("90000000.00"),
            burns=observation.burns,
        )
        texts = Texts(
            written=self.written,
            texts=self.texts,
            context={},
            linting=LintSetting(limits=setting.limits, now=setting.now, fleet=fleet),
        )
        return advice, prove(advice, texts)


def files_of(folder: Path, texts: dict[str, str | bytes]) -> Files:
    """Writes policies and reads them."""
    written = []
    for path, text in texts.items():
        data = text.encode() if isinstance(text, str) else text
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        read = read_written(data, path, Policy)
        assert isinstance(read, Written), read
        written.append(read)
    return Files(folder=folder, written=tuple(written))


def apply(folder: Path, patch: str, tool: str) -> None:
    """Applies a patch as people do."""
    command = {"git": ["git", "apply", "-"], "patch": ["patch", "-p1", "--quiet"]}[tool]
    done = subprocess.run(
        command, cwd=folder, input=patch.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode() + patch
