"""Schedules that once broke an invariant, made small and kept as data, by what was learnt.

Their seeds only feed the jitter: what happens is written out. It may not judge.
"""

from typing import Any

from budgetd.sandbox.semantics import CheckOrder, KeyMemory, RecordName, ReturnedCoupon, Semantics

from .script import Event, Happening, PostFault, ReadFault, Script


def _script(**parts: Any) -> Script:
    given: dict[str, Any] = {
        "seed": 0,
        "setup": "step",
        "posts": {},
        "reads": {},
        "deaths": frozenset(),
        "stops": {},
        "events": (),
    }
    return Script(**(given | parts))


def _event(at_s: float, what: Happening, who: int = 0, amount: int = 0) -> Event:
    return Event(at_s=at_s, what=what, who=who, amount=amount)


REGRESSIONS: dict[str, Script] = {
    "a coupon that was used up did not come home": _script(
        setup="coupons",
        interval_s=30.0,
        chaos_s=120.0,
        reads={5: ReadFault.FAILED},
        deaths=frozenset({("wait", 6)}),
        events=(_event(18.5, Happening.USE_COUPON, 2, 449_21),),
    ),
    "a coupon used up after a refusal in doubt did not come home": _script(
        setup="coupons",
        interval_s=60.0,
        chaos_s=60.0,
        latency_s=0.1,
        semantics=Semantics(busy_s=2),
        posts={6: PostFault.THROTTLED, 7: PostFault.TIMEOUT_504_AFTER},
        events=(
            _event(15.2, Happening.STATUS, 2),
            _event(30.2, Happening.USE_COUPON, 2, 914_06),
        ),
    ),
    "a key that our own refused resend left behind proves nothing": _script(
        setup="both_ways",
        interval_s=60.0,
        chaos_s=60.0,
        semantics=Semantics(keys=KeyMemory.ON_RECEIPT, record_lag_s=300),
        stops={12: 45.0},
        events=(
            _event(10.8, Happening.KILL, 2),
            _event(21.3, Happening.SPEND, 2, 800_45),
            _event(31.5, Happening.SPEND, 2, 500_00),
        ),
    ),
    "a record that names another account is not ours": _script(
        interval_s=60.0,
        chaos_s=60.0,
        semantics=Semantics(
            keys=KeyMemory.ON_RECEIPT,
            order=CheckOrder.CHECKS_FIRST,
            busy_s=90,
            record_name=RecordName.MEMBER,
            returned_coupon=ReturnedCoupon.NEW,
        ),
        posts={4: PostFault.TRY_AGAIN_AFTER},
        events=(_event(22.6, Happening.BY_HAND_OUT, 0, 500_00),),
    ),
    "a process that lost the lead withdraws nothing that is in flight": _script(
        setup="credit",
        processes=2,
        steals_lock=True,
        interval_s=900.0,
        chaos_s=900.0,
        latency_s=3.0,
        skew_s=60.0,
        reads_late=True,
        posts={
            0: PostFault.SLOW,
            4: PostFault.SLOW,
            8: PostFault.LOST_AFTER,
            12: PostFault.SLOW,
            13: PostFault.LOST_AFTER,
            16: PostFault.LOST_AFTER,
        },
    ),
    "another process may have left doubt for us meanwhile": _script(
        setup="coupons",
        processes=2,
        steals_lock=True,
        interval_s=300.0,
        chaos_s=600.0,
        posts={2: PostFault.TIMEOUT_504_BEFORE, 4: PostFault.MALFORMED},
    ),
    "what met a busy master and is withdrawn by a pause rests": _script(
        interval_s=60.0,
        chaos_s=60.0,
        delay_s=880.0,
        semantics=Semantics(keys_shared=False, order=CheckOrder.CHECKS_FIRST, busy_s=90),
        posts={0: PostFault.DOUBLED},
        events=(_event(16.0, Happening.PAUSE, 2, 500_00),),
    ),
    "a full disk between promise and sending leaves nothing behind": _script(
        setup="daily",
        start_s=49800.0,
        resends=False,
        interval_s=900.0,
        chaos_s=1800.0,
        has_records=False,
        events=(
            _event(658.0, Happening.KILL, 1),
            _event(1551.8, Happening.DISK_FULL, 2, 500_00),
        ),
    ),
    "a late refusal of an expired signature contradicts no void": _script(
        resends=False,
        processes=2,
        steals_lock=True,
        interval_s=120.0,
        chaos_s=60.0,
        latency_s=3.0,
        deaths=frozenset({("wait", 5)}),
        stops={15: 3400.0},
    ),
    "two records do not settle what could not have moved then": _script(
        processes=2,
        interval_s=30.0,
        chaos_s=120.0,
        delay_s=20.0,
        restart_s=2000.0,
        posts={0: PostFault.DELAYED, 2: PostFault.DELAYED},
        deaths=frozenset({("other", 6)}),
        stops={20: 600.0},
        events=(
            _event(1.5, Happening.BY_HAND_OUT, 0, 500_00),
            _event(6.2, Happening.SPEND, 0, 528_30),
            _event(25.5, Happening.SPEND, 0, 500_00),
            _event(59.2, Happening.STATUS, 1),
        ),
    ),
    "each name in the records is counted": _script(
        interval_s=60.0,
        chaos_s=60.0,
        delay_s=880.0,
        semantics=Semantics(
            keys=KeyMemory.ON_RECEIPT,
            record_lag_s=300,
            busy_s=90,
            stale_s=30,
            record_name=RecordName.MEMBER,
            returned_coupon=ReturnedCoupon.NEW,
        ),
        posts=dict.fromkeys(range(5), PostFault.TRY_AGAIN_AFTER),
        events=(_event(22.6, Happening.BY_HAND_OUT, 0, 500_00),),
    ),
    "a clock that steps back put a reading of before another's move after it": _script(
        setup="limited",
        start_s=49800.0,
        processes=2,
        reads_beside=True,
        interval_s=30.0,
        chaos_s=30.0,
        latency_s=3.0,
        skew_s=60.0,
        places=(0,),
        deaths=frozenset({("wait", 7)}),
        semantics=Semantics(record_name=RecordName.NOBODY),
    ),
    "a reading of a replica was old, and another's later one showed the move": _script(
        processes=2,
        reads_beside=True,
        interval_s=60.0,
        chaos_s=30.0,
        places=(0,),
        semantics=Semantics(stale_s=30),
        events=(_event(3.4, Happening.KILL),),
    ),
    "an answer to a request that slept is judged by a clock that was set right": _script(
        processes=2,
        steals_lock=True,
        interval_s=60.0,
        chaos_s=30.0,
        skew_s=60.0,
        has_records=False,
        places=(0, 1),
        stops={5: 130.0},
        events=(_event(26.7, Happening.DISK_FULL),),
    ),
    "a gateway repeated what it had called busy, and a replica hid that it came": _script(
        resends=False,
        interval_s=900.0,
        chaos_s=360.0,
        delay_s=880.0,
        places=(0, 1),
        peaceful_cycles=1,
        semantics=Semantics(keys=KeyMemory.ON_RECEIPT, busy_s=8, stale_s=600),
        posts={1: PostFault.REPLAYED},
    ),
}
