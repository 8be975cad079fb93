"""The smallest documented request of every operation."""

from collections.abc import Callable
from typing import Any

import pytest

_MONTH = "2026-01"
_EXAMPLES: dict[str, dict[str, Any]] = {
    "ListEnterpriseMultiAccount": {"sub_customer_id": "a1"},
    "ListMultiAccountRetrieveCoupons": {"sub_customer_id": "a1"},
    "CreateSubEnterpriseAccount": {
        "party_id": "1",
        "sub_customer_association_type": 1,
        "new_sub_customer": {"customer_name": "n", "password": "not-a-real-1"},
    },
    "SendSmsVerificationCode": {"mobile_phone": "1", "sm_template_args": []},
    "ListCustomerAccountChangeRecords": {"balance_type": "BALANCE_TYPE_DEBIT"},
    "ListStoredValueCards": {"status": 1},
    "ShowCustomerMonthlySum": {"bill_cycle": _MONTH},
    "ListCustomerBillsFeeRecords": {"bill_cycle": _MONTH},
    "ListCustomerselfResourceRecords": {"cycle": _MONTH},
    "ListCustomerselfResourceRecordDetails": {"cycle": _MONTH},
    "ListCustomerBillsMonthlyBreakDown": {"shared_month": _MONTH},
    "ListCosts": {
        "time_condition": {"time_measure_id": 2, "begin_time": _MONTH, "end_time": _MONTH},
        "groupby": [{"type": "dimension", "key": "ASSOCIATED_ACCOUNT"}],
        "cost_type": "ORIGINAL_COST",
        "amount_type": "NET_AMOUNT",
    },
}


@pytest.fixture
def example_of() -> Callable[[str], dict[str, Any]]:
    """The smallest request of an operation, by its name."""
    return lambda name: _EXAMPLES.get(name, {})
