"""The command line: one file a command, loaded only when that command is asked for.

It may not decide anything: commands read, call the river and print.
"""

import gc
import importlib
import io
import os
import resource
import sys

import click

COMMANDS = {
    "accounts": "The fleet: balances, coupons, the last transfer; `accounts create` opens one.",
    "adopt": "Makes a restored or copied state this one's, after a look; nothing moves for 45 min.",
    "apply": "One cycle for real: a saved plan, or a fresh one after a yes.",
    "approve": "Decides a proposal: yes; without an ID, what waits for a person.",
    "backtest": "What other policies would have done with what was recorded, side by side.",
    "check": "Are the config and the policies valid? Every problem at its place.",
    "demo": "The whole story on an embedded sandbox: dry run, transfers, report.",
    "diff": "What a policy edit changes, in money, on the same readings.",
    "doctor": "Credentials, clock, quota, disk, ledger, policies: one line each, with the cure.",
    "explain": "Every rule that selects an account, and why it acts or holds.",
    "pause": "The kill switch: for all, a policy, a rule or an account.",
    "plan": "The dry run: reads, decides, shows; changes nothing.",
    "reconcile": "Compares the ledger with the provider's records and readings.",
    "reject": "Decides a proposal: no.",
    "resume": "Ends pauses; a latched one needs a reason.",
    "run": "The daemon: cycles by schedule, reloads, the status page.",
    "sandbox": "Serves the provider's API on loopback: fleet, faults, quota, clock.",
    "schema": "The JSON Schema of policies or of the config, for editors.",
    "status": "What the daemon last did, next does, holds and waits for.",
    "suggest": "Triggers and targets from what was spent, as a patch that keeps comments.",
    "test": "Runs the policy cases (*_test.yaml): do the policies do what they are meant to?",
    "transfer": "A move by hand, through the same ledger, limits and proof.",
    "transfers": "The ledger: every transfer and what became of it.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # What a command loads lives as long as it runs: it is not looked through for garbage.
        gc.disable()
        try:
            module = importlib.import_module(f"budgetd.cli.{cmd_name}")
        finally:
            gc.enable()
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="budgetd", message="budgetd %(version)s")
@click.option(
    "--config",
    "config_path",
    metavar="FILE",
    help="The config; else $BUDGETD_CONFIG, ./config.yaml, /etc/budgetd/config.yaml.",
)
@click.pass_context
def main(ctx: click.Context, config_path: str | None) -> None:
    """Keeps the money of many cloud accounts in the right place: by policy, and never twice."""
    _leave_no_core()
    _fill_what_is_closed()
    ctx.obj = config_path


def _fill_what_is_closed() -> None:
    """Who closed a stream is told and asked nothing there; no file opened later takes its place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    if sys.stdout is None:
        sys.stdout = _nowhere(1)
    if sys.stderr is None:
        sys.stderr = _nowhere(2)


def _nowhere(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")


def _leave_no_core() -> None:
    """A core would hold the credentials. One byte is less than any core, and unlike none it
    keeps Linux from feeding a program that collects them (core(5))."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    bound = 1 if hard else 0
    resource.setrlimit(resource.RLIMIT_CORE, (bound, bound))
