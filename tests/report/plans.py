"""Plans built by hand: a realistic one of 40 accounts, and pieces to make others from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.decisions.decision import Held, Raised
from budgetd.core.intent import Direction, Instrument, State, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Status,
    Unknown,
)
from budgetd.core.plans.outcome import Outcome, outcome_of
from budgetd.core.plans.plan import MasterLine, Plan, Step, Transfer, Unreadable, Withheld
from budgetd.core.reason import Ask, Hold, Why

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 30, 14, 45, tzinfo=UTC)
READ_AT = NOW - timedelta(seconds=4)
HOSTILE = "[red]x[/]|<b>&\u202ecilam\x1b[31m"
KEEP_ALIVE = "production/keep-alive"
CASH_HOME = "month-end/cash-home"
COUPONS_HOME = "month-end/coupons-home"


def account(name: str, *path: str, number: int = 0) -> Account:
    """A normal account of a unit; its id follows from `number`, or from its name."""
    unit = "/".join(path)
    return Account(
        id=f"{number:032x}" if number else name.encode().hex()[:32].ljust(32, "0"),
        name=name,
        display_name="",
        status=Status.NORMAL,
        organization=Organization(id=f"o-{unit}", name=path[-1] if path else "", path=path),
    )


def transfer(whom: Account, reading: str, after: str, **changes: object) -> Transfer:
    """A cash transfer that leads from one reading to another; the direction follows."""
    before, then = Decimal(reading), Decimal(after)
    is_out = then > before
    made = Transfer(
        id=f"{whom.id[-8:]}{'a' if is_out else 'b'}{len(whom.name):07x}",
        rule=KEEP_ALIVE if is_out else CASH_HOME,
        action="top_up" if is_out else "reclaim",
        direction=Direction.ALLOCATE if is_out else Direction.RECLAIM,
        unit=Unit(account_id=whom.id, instrument=Instrument.CASH),
        account=whom,
        amount=abs(then - before),
        currency="CNY",
        reading=before,
        read_at=READ_AT,
        target=Decimal("2000.00") if is_out else Decimal("200.00"),
        after=then,
        short_by=ZERO,
        why=Why.BELOW_TRIGGER if is_out else Why.ABOVE_TRIGGER,
        steps=(Step(step="want", amount=abs(then - before), note="to 2000.00"),),
        trigger="below 500.00" if is_out else "above 1,000.00",
        unit_reading=before,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # any field may be changed


def coupon(number: int, balance: str) -> Coupon:
    """A child coupon that expires in the middle of December."""
    return Coupon(
        coupon_id=f"CP{number:04}",
        child_id=f"CC{number:04}",
        plan_name="Launch",
        balance=Decimal(balance),
        effective_at=None,
        expires_at=datetime(2026, 12, 14, 16, 0, tzinfo=UTC),
    )


def coupon_home(whom: Account, balance: str) -> Transfer:
    """The whole rest of one coupon, taken back."""
    own = coupon(1, balance)
    return transfer(
        whom,
        balance,
        "0.00",
        rule=COUPONS_HOME,
        action="reclaim_coupons",
        unit=Unit(account_id=whom.id, instrument=Instrument.COUPON, part=own.child_id or ""),
        target=None,
        why=Why.EXPIRING,
        trigger="expires 2026-12-15",
        coupon=own,
    )


def credit_out(whom: Account, reading: str, after: str, expire_time: str) -> Transfer:
    """Credit of one ledger, given."""
    unit = Unit(account_id=whom.id, instrument=Instrument.CREDIT, part=expire_time)
    return transfer(whom, reading, after, unit=unit)


def outcome(made: Transfer, state: State | None, **changes: object) -> Outcome:
    """How a transfer ended."""
    return replace(outcome_of(made, state), **changes)  # type: ignore[arg-type]  # any field may be changed


def held(whom: Account, reason: Hold, **changes: object) -> Held:
    """A hold of the top-up rule."""
    made = Held(
        rule=KEEP_ALIVE,
        account=whom,
        instrument=Instrument.CASH,
        reason=reason,
        reading=Decimal("1500.00"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # any field may be changed


def plan_of(*transfers: Transfer, **changes: object) -> Plan:
    """A plan of these transfers alone."""
    made = Plan(
        enterprise="acme",
        mode="enforce",
        taken_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        policy_digest="sha256:3f9c1e" + "0" * 58,
        currency="CNY",
        is_preview=False,
        transfers=transfers,
        held=(),
        withheld=(),
        alerts=(),
        unreadable=(),
        observed=(),
        accounts_read=len(transfers),
        rules_count=4,
        master=MasterLine(
            cash_before=Decimal("100000.00"),
            cash_after=Decimal("101200.00"),
            reserve=Decimal("50000.00"),
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # any field may be changed


WEB = account("prod-web", "R&D", number=1)
DATABASE = account("prod-db", "R&D", number=2)
IDLE = account("idle", "Projects", number=3)
BUSY = account("busy", "Projects", number=4)
API = account("prod-api", "R&D", number=5)
OLD = account("prod-old", "R&D", number=6)
CHINESE = account("生产环境-数据库", "研发中心", "华东大区", number=7)
BIG = account("warehouse-of-the-whole-company", "Data", "Warehouse", number=8)
SPIKE = account("spike", "Projects", number=9)
LOOSE = replace(account("loose", number=10), organization=None)


def movements() -> tuple[Transfer, ...]:
    """Moves of each instrument, and two proposals."""
    short = transfer(CHINESE, "120.00", "1700.00", short_by=Decimal("300.00"))
    return (
        transfer(WEB, "10.00", "2010.00"),
        transfer(DATABASE, "499.99", "2099.99"),
        short,
        credit_out(LOOSE, "0.00", "800.00", "2026-12-31T15:59:59Z"),
        transfer(IDLE, "5000.00", "200.00"),
        coupon_home(BUSY, "32.50"),
        transfer(BIG, "150.00", "40150.00", ask=Ask.APPROVAL_ABOVE),
        transfer(SPIKE, "410.00", "2010.00", ask=Ask.BURN_SPIKE),
    )


def fine_accounts() -> tuple[Account, ...]:
    """Thirty accounts with nothing to tell of."""
    units = (("R&D",), ("Projects",), ("Data", "Warehouse"))
    return tuple(
        account(f"team-{number:02}", *units[number % 3], number=100 + number)
        for number in range(30)
    )


def realistic_plan() -> Plan:
    """Forty accounts: moves, proposals, a withheld batch, holds, an alert, one unread."""
    fine = fine_accounts()
    sweep = [transfer(fine[number], "9000.00", "200.00") for number in (1, 2)]
    return plan_of(
        *movements(),
        mode="dry_run",
        held=(
            held(API, Hold.COOLDOWN, until=NOW + timedelta(minutes=25), reading=Decimal("120.00")),
            held(OLD, Hold.UNREAD, reading=None),
            held(fine[0], Hold.CAP, detail="account_per_day leaves 0.00"),
            *(held(one, Hold.NOT_TRIGGERED) for one in fine[1:]),
        ),
        withheld=tuple(
            Withheld(
                transfer=replace(item, ask=Ask.LIMIT), limit="per_cycle.amount", proposal="p-1"
            )
            for item in sweep
        ),
        alerts=(
            Raised(
                rule="alerts/running-low",
                account=API,
                instrument=Instrument.CASH,
                severity="warning",
                reading=Decimal("120.00"),
                read_at=READ_AT,
                why=Why.BELOW_TRIGGER,
            ),
        ),
        unreadable=(
            Unreadable(account=OLD, reason=Hold.UNREAD, detail="CBC.0999 (500) three times"),
        ),
        observed=(transfer(fine[3], "1500.00", "3500.00", rule="trial/more"),),
        accounts_read=39,
    )


def realistic_observation() -> Observation:
    """What the realistic plan rests on."""
    told = (WEB, DATABASE, IDLE, BUSY, API, OLD, CHINESE, BIG, SPIKE, LOOSE)
    accounts = (*told, *fine_accounts())
    moving = {item.account.id: item.reading for item in movements()}
    readings = {
        one.id: Readings(cash=_cash(one, moving.get(one.id, Decimal("1500.00"))))
        for one in accounts
    }
    ledger = CreditLedger(
        expire_time="2026-12-31T15:59:59Z",
        expires_at=datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC),
        amount=Decimal("9000.00"),
        available=Decimal("9000.00"),
    )
    return Observation(
        taken_at=NOW,
        currency="CNY",
        accounts=accounts,
        readings=readings,
        master=Readings(
            cash=Ok(Decimal("100000.00"), READ_AT), credit=Ok((ledger,), READ_AT), coupons=None
        ),
    )


def _cash(whom: Account, value: Decimal) -> Reading[Decimal]:
    if whom is OLD:
        return Unknown("CBC.0999 (500) three times", READ_AT)
    return Ok(value, READ_AT)
