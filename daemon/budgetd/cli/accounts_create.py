"""`budgetd accounts create`: opens a member account, and `send-code`, which it may need.

One POST, sent once. A password is read from a prompt or from where a reference points, never
from an argument, and it is never shown. It may not move money, nor send anything a second time.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.accounts_refusals import cure_of, is_unknown
from budgetd.cli.speaking import DOUBT, FAILED, LIMITED, USAGE, failures, say

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.core.observation import Organization
    from budgetd.provider.answers import Member
    from budgetd.provider.client import Client

PERMISSIONS = (
    "READ_FINANCE_INFO",
    "READ_CONSUME_BILL",
    "SUBSTITUTE-OPEN-INVOICE",
    "TAKE-OVER-OPEN-INVOICE",
    "SHARE-CREDIT-TO-SUB",
    "SHARE-BIZ-DISCOUNT-TO-SUB",
)
LOOKS = 10
LOOK_EVERY_S = 1.0
REFERENCE_HELP = "file:PATH, env:NAME or credential:NAME"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Application:
    """What is asked for. It holds the password and shows nothing of itself."""

    login: str
    place: str
    display_name: str | None
    phone: str | None
    code: str | None
    permissions: tuple[str, ...]
    is_custody: bool
    password: str = field(default="")


@click.command("create")
@click.option("--name", "login", required=True, help="The login name, 1 to 32 characters.")
@click.option("--organization", "place", required=True, metavar="PATH_OR_ID", help="Its unit.")
@click.option("--display-name", help="The name people see.")
@click.option("--phone", metavar="NUMBER", help="Its own phone; a code is sent to it.")
@click.option("--own-phone", is_flag=True, help="The master's phone; no code is needed.")
@click.option("--code", help="The code that was sent to --phone (`accounts send-code`).")
@click.option("--permission", "permissions", multiple=True, type=click.Choice(PERMISSIONS))
@click.option("--custody", is_flag=True, help="The master pays its bills; no money moves.")
@click.option("--password-from", metavar="REFERENCE", help=f"{REFERENCE_HELP}; else it is asked.")
@click.option("--yes", "is_sure", is_flag=True, help="Ask no question.")
@click.pass_context
def create(ctx: click.Context, /, **given: object) -> None:
    """Opens a member account and prints its id. Sent once; accounts cannot be deleted here.

    The provider wants a password of 8 to 32 characters, and with --phone the code it sends.
    """
    with failures():
        ctx.exit(_create(_config(ctx), given))


@click.command("send-code")
@click.option("--name", "login", required=True, help="The login name of the account to be.")
@click.option("--phone", required=True, metavar="NUMBER", help="Where the code goes.")
@click.pass_context
def send_code(ctx: click.Context, login: str, phone: str) -> None:
    """Has the provider send a code to a phone, for `create --code`."""
    with failures():
        ctx.exit(_send_code(_config(ctx), login, phone))


def _config(ctx: click.Context) -> "Config":
    from budgetd.config import find_config, load_config

    return load_config(find_config(ctx.obj))


def _is_dry(config: "Config") -> bool:
    from budgetd.config import Switch

    if config.mode is Switch.ENFORCE:
        return False
    say("nothing was done: under `mode: dry_run` no account is opened and no code is sent")
    return True


def _create(config: "Config", given: dict[str, object]) -> int:
    problem = _contradiction(given)
    if problem:
        raise click.UsageError(problem)
    if _is_dry(config):
        return LIMITED
    missing = _needs_terminal(given)
    if missing and not sys.stdin.isatty():
        say(f"error: there is no terminal to ask on; give {missing}")
        return USAGE
    reference = given["password_from"]
    password = _ask_password() if reference is None else _fetch_password(str(reference))
    wanted = _application(given, password)
    unit = asyncio.run(_look_first(config, wanted))
    if isinstance(unit, str):
        say(f"error: {unit}")
        return USAGE
    if not given["is_sure"] and not _is_confirmed(wanted, unit):
        say("nothing was done")
        return FAILED
    if wanted.phone is not None and wanted.code is None:
        sent = _send_code(config, wanted.login, wanted.phone)
        if sent != 0:
            return sent
        given["code"] = click.prompt("The code that was sent", err=True)
        wanted = _application(given, password)
    return asyncio.run(_open_account(config, wanted, unit))


def _contradiction(given: dict[str, object]) -> str:
    """What cannot be meant, in words; empty where all fits."""
    if bool(given["phone"]) is bool(given["own_phone"]):
        return "give either --phone NUMBER or --own-phone"
    if given["code"] and not given["phone"]:
        return "--code belongs to --phone"
    if given["custody"] and given["permissions"]:
        return "under --custody the provider sets the permissions itself; leave --permission out"
    return ""


def _needs_terminal(given: dict[str, object]) -> str:
    """The options that have to be given where nobody can be asked."""
    missing = []
    if given["password_from"] is None:
        missing.append(f"--password-from ({REFERENCE_HELP})")
    if given["phone"] and not given["code"]:
        missing.append("--code (`budgetd accounts send-code` has one sent)")
    if not given["is_sure"]:
        missing.append("--yes")
    return ", ".join(missing)


def _application(given: dict[str, object], password: str) -> Application:
    def text(key: str) -> str | None:
        value = given[key]
        return None if value is None else str(value)

    permissions = given["permissions"]
    return Application(
        login=str(given["login"]),
        place=str(given["place"]),
        display_name=text("display_name"),
        phone=text("phone"),
        code=text("code"),
        permissions=permissions if isinstance(permissions, tuple) else (),
        is_custody=bool(given["custody"]),
        password=password,
    )


def _ask_password() -> str:
    found: str = click.prompt(
        "Password of the new account", hide_input=True, confirmation_prompt=True, err=True
    )
    return _checked(found, "the password")


def _fetch_password(reference: str) -> str:
    from budgetd.config.files import read_file
    from budgetd.config.secrets import LARGEST_SECRET_BYTES
    from budgetd.core.documents.problem import Problem

    kind, _, target = reference.partition(":")
    if kind == "env" and target:
        if target not in os.environ:
            raise click.UsageError(f"--password-from: the variable {target} is not set")
        return _checked(os.environ[target], reference)
    if kind == "credential" and target and Path(target).name == target:
        home = os.environ.get("CREDENTIALS_DIRECTORY")
        if not home:
            raise click.UsageError("--password-from: $CREDENTIALS_DIRECTORY is not set")
        path = Path(home) / target
    elif kind == "file" and target:
        path = Path(target)
    else:
        # What was given may be the password itself, so it is not repeated.
        raise click.UsageError(f"--password-from: expected {REFERENCE_HELP}, found '***'")
    data = read_file(path, str(path), largest=LARGEST_SECRET_BYTES)
    if isinstance(data, Problem):
        raise click.UsageError(f"--password-from: {data.headline()}")
    text = data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    return _checked(text, reference)


def _checked(password: str, source: str) -> str:
    """The password, if it can be one; it is judged before anything is sent, and never shown."""
    if not 8 <= len(password) <= 32:
        raise click.UsageError(f"{source}: a password has 8 to 32 characters")
    if not (password.isascii() and password.isprintable()) or password != password.strip():
        raise click.UsageError(f"{source}: holds blanks around it, or characters no password has")
    return password


def _is_confirmed(wanted: Application, unit: "Organization") -> bool:
    from budgetd.report.harmless import harmless

    place = "/" + "/".join(unit.path)
    kind = "under custody" if wanted.is_custody else "financially independent"
    rights = f", may {', '.join(wanted.permissions)}" if wanted.permissions else ""
    phone = "the master's phone" if wanted.phone is None else f"phone {wanted.phone}"
    text = f"Open the account {wanted.login} in {place} ({kind}{rights}; {phone})?"
    return click.confirm(harmless(text), err=True)


async def _look_first(config: "Config", wanted: Application) -> "Organization | str":
    """The unit it goes to; or, in words, why nothing can be sent."""
    from budgetd.clock import now
    from budgetd.provider import operations
    from budgetd.wiring import open_client

    # What the provider's documentation refuses is found before anybody is asked anything.
    operations.CREATE_MEMBER.prepare(_fields(wanted, "1"))
    async with open_client(config, now, may_write=False) as client:
        tree = await client.read(operations.ORGANIZATIONS, recursive_query=1)
        unit = find_unit(tree.organizations, wanted.place)
        if unit is None:
            return f"there is no organization {wanted.place!r}; {_known(tree.organizations)}"
        there = await _find(client, wanted.login)
    if there is not None:
        return f"the account {wanted.login} is there already: {there.id} ({there.status})"
    return unit


def find_unit(units: "Iterable[Organization]", place: str) -> "Organization | None":
    """The unit of that id, or of that path from the root (`/R&D/Platform`; `/` is the root)."""
    wanted = tuple(part for part in place.split("/") if part)
    every = list(units)
    by_id = [unit for unit in every if unit.id == place]
    by_path = [unit for unit in every if unit.path == wanted]
    # Two units of one name under one parent can be told apart by their ids alone.
    found = by_id or by_path
    return found[0] if len(found) == 1 else None


def _known(units: "Iterable[Organization]") -> str:
    paths = sorted(f"/{'/'.join(unit.path)} ({unit.id})" for unit in units)
    more = f" and {len(paths) - 20} more" if len(paths) > 20 else ""
    return f"there are {', '.join(paths[:20])}{more}"


async def _find(client: "Client", login: str) -> "Member | None":
    from budgetd.provider import operations

    members = await client.read_all(operations.MEMBERS, sub_customer_account_name=login)
    return next((member for member in members if member.name == login), None)


def _fields(wanted: Application, party_id: str) -> dict[str, object]:
    new = {
        "customer_name": wanted.login,
        "password": wanted.password,
        "mobile_phone": wanted.phone,
        "use_pri_mobile_phone": "Y" if wanted.phone is None else "N",
        "verification_code": wanted.code,
    }
    return {
        "party_id": party_id,
        "display_name": wanted.display_name,
        "sub_customer_association_type": 1,
        "permission_ids": list(wanted.permissions) or None,
        "financial_custody": int(wanted.is_custody),
        "new_sub_customer": new,
    }


async def _open_account(config: "Config", wanted: Application, unit: "Organization") -> int:
    from budgetd.clock import now
    from budgetd.provider import operations
    from budgetd.provider.errors import ProviderError
    from budgetd.wiring import open_client

    async with open_client(config, now, may_write=False) as client:
        try:
            await client.create(operations.CREATE_MEMBER, **_fields(wanted, unit.id))
        except ProviderError as error:
            text = str(error).replace(wanted.password, "***")
            if is_unknown(error):
                return _say_unknown(wanted.login, text)
            say(f"error: no account was opened: {text}{cure_of(error)}")
            return FAILED
        except asyncio.CancelledError:
            _say_unknown(wanted.login, "interrupted while it was being sent")
            raise
        return await _say_opened(client, wanted.login)


def _say_unknown(login: str, text: str) -> int:
    say(f"unknown: {text}")
    say(
        f"the account may be there. Look with `budgetd accounts --account {login}` before you"
        " try again; nothing is sent a second time"
    )
    return DOUBT


async def _say_opened(client: "Client", login: str) -> int:
    """The provider answers without an id, so it is looked up by name, for ten seconds."""
    from budgetd.provider.errors import ProviderError

    why = "it is not in the list of members yet"
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(LOOK_EVERY_S)
        try:
            member = await _find(client, login)
        except ProviderError as error:
            why = str(error)
            continue
        if member is not None:
            click.echo(member.id)
            say(f"opened: {login}, {member.status.value.replace('_', ' ')}")
            return 0
    say(f"opened: {login}; its id is not known yet ({why})")
    say(f"look with `budgetd accounts --account {login}`")
    return DOUBT


def _send_code(config: "Config", login: str, phone: str) -> int:
    if _is_dry(config):
        return LIMITED
    return asyncio.run(_send(config, login, phone))


async def _send(config: "Config", login: str, phone: str) -> int:
    from budgetd.clock import now
    from budgetd.provider import operations
    from budgetd.provider.errors import ProviderError
    from budgetd.wiring import open_client

    arguments = [{"key": "sub_customer_name", "value": login}]
    async with open_client(config, now, may_write=False) as client:
        try:
            await client.create(
                operations.SEND_CODE, mobile_phone=phone, sm_template_args=arguments
            )
        except ProviderError as error:
            said = "a code may have been sent" if is_unknown(error) else "no code was sent"
            say(f"error: {said}: {error}{cure_of(error)}")
            return FAILED
    say(f"a code was sent to {phone}; it is good for 10 minutes")
    return 0
