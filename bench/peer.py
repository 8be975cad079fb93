"""The provider's own client towards a sandbox, as its documentation uses it.

It may not measure anything.
"""

import huaweicloudsdkbss.v2 as sdk
from huaweicloudsdkbss.v2 import BssClient
from huaweicloudsdkcore.auth.credentials import GlobalCredentials

from budgetd.sandbox.fleet import MASTER_ID
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK

CASH_BALANCE = "BALANCE_TYPE_DEBIT"


def official_client(url: str) -> BssClient:
    """A client with the sandbox's keys."""
    credentials = GlobalCredentials(SANDBOX_AK, SANDBOX_SK).with_domain_id(MASTER_ID)
    return BssClient.new_builder().with_credentials(credentials).with_endpoint(url).build()


def read_cash(client: BssClient, account_id: str) -> None:
    """What an account holds of cash."""
    client.list_enterprise_multi_account(
        sdk.ListEnterpriseMultiAccountRequest(sub_customer_id=account_id, balance_type=CASH_BALANCE)
    )


def read_coupons(client: BssClient, account_id: str) -> None:
    """What an account holds of coupons."""
    client.list_multi_account_retrieve_coupons(
        sdk.ListMultiAccountRetrieveCouponsRequest(sub_customer_id=account_id, offset=0, limit=100)
    )
