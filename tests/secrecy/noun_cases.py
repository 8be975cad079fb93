"""Nouns that hold a secret, shown in every way that a noun is shown, and logged.

It may not look into them: a noun is asked to show itself.
"""

import hashlib

from budgetd import logs
from budgetd.cli.accounts_create import Application
from budgetd.config import AccessKey as ConfiguredKey
from budgetd.config import TokenLogin as ConfiguredLogin
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.money import parse_amount
from budgetd.provider import iam, signing
from budgetd.provider import operations as ops
from budgetd.provider.calls import Call, SignedMove, Unanswered
from budgetd.provider.credentials import Credential
from budgetd.provider.moves import move_request
from budgetd.provider.replies import Reading, Reply

from .case import Case, Found
from .network import Echoing, Network
from .planting import Planted, chance
from .telling import Output, logged, told_by, told_by_noun
from .wire_cases import ACCOUNT, NOW, client_of, login_of


async def shown(case: Case) -> Found:
    """Every noun, one after the other; one of them is logged as a value and as a failure."""
    planted = case.planted
    nouns = _nouns(planted)
    outputs: list[Output] = []
    for name, noun in nouns.items():
        outputs += told_by_noun(name, noun)
    with logged(case.rng) as log:
        name, noun = case.rng.choice(list(nouns.items()))
        logs.logger().warning("seen", noun=noun, many=[noun], by_name={name: noun})
        try:
            _fail(noun)
        except TypeError as error:
            outputs += told_by(error)
            logs.logger().error("failed", exc_info=error)
        outputs += log.outputs
    return Found(secrets=planted.all(), outputs=outputs)


def _fail(noun: object) -> None:
    raise TypeError(f"cannot use {noun!r}")


def _nouns(planted: Planted) -> dict[str, object]:
    key = signing.AccessKey(
        id=planted.access_key, secret=planted.secret_key, security_token=planted.security_token
    )
    login = login_of(planted)
    unsigned = signing.Unsigned(
        method="POST", host="h", path="/p", body=_member_body(planted), headers={"a": "b"}
    )
    headers = {**signing.sign(key, unsigned, at=NOW), "x-auth-token": planted.token}
    unit = Unit(account_id=ACCOUNT, instrument=Instrument.CASH, part="")
    request = move_request(Direction.ALLOCATE, unit, parse_amount("1.00"), "0" * 32)
    return {
        "configured key": ConfiguredKey(
            access_key=planted.access_key,
            secret_key=planted.secret_key,
            security_token=planted.security_token,
        ),
        "configured login": ConfiguredLogin(
            user="reader", password=planted.password, domain="acme", iam_endpoint="https://iam"
        ),
        "key": key,
        "login": login,
        "unsigned": unsigned,
        "signed move": SignedMove(
            operation=request.operation,
            headers=headers,
            body=request.body,
            body_hash=hashlib.sha256(request.body).hexdigest(),
            signed_at=NOW,
        ),
        "call": Call(method="POST", url="https://h/p", headers=headers, body=_member_body(planted)),
        "token call": Call(
            method="POST", url="https://h/p", headers={}, body=iam.token_request(login)
        ),
        "reading": Reading(currency="CNY", secrets=tuple(planted.all().values())),
        "reply": Reply(
            status=201,
            headers={"x-subject-token": planted.token},
            body=f"you sent {planted.password}".encode(),
        ),
        "unanswered": Unanswered("TRANSPORT.RESET", "no", is_sent=True),
        **_holders(planted, key, login),
    }


def _holders(planted: Planted, key: signing.AccessKey, login: iam.TokenLogin) -> dict[str, object]:
    async def fetch_token() -> str:
        return planted.token

    return {
        "credential": Credential(key, currency="CNY", clock=lambda: NOW, fetch_token=fetch_token),
        "client": client_of(login, Network(Echoing(chance(0), ()))),
        "application": Application(
            login="acme_new",
            place="/",
            display_name=None,
            phone=None,
            code=planted.code,
            permissions=(),
            is_custody=False,
            password=planted.member_password,
        ),
    }


def _member_body(planted: Planted) -> bytes:
    new = {
        "customer_name": "acme_new",
        "password": planted.member_password,
        "use_pri_mobile_phone": "N",
        "verification_code": planted.code,
    }
    given = {"party_id": "1", "sub_customer_association_type": 1, "new_sub_customer": new}
    return ops.CREATE_MEMBER.prepare(given)[1]
