"""`budgetd demo`: the whole story on an embedded sandbox; needs no account and no config."""

import shutil
import sys
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from budgetd.cli.speaking import FAILED, failures, say, screen_of


@click.command("demo")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("demo-report.html"),
    show_default=True,
    help="Where the page is written.",
)
@click.option("--seed", default=1, show_default=True, help="Another seed, another fleet.")
@click.option("--accounts", default=40, show_default=True, type=click.IntRange(14, 200))
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep config, policies and ledger in this new folder, to look around in.",
)
@click.pass_context
def command(ctx: click.Context, report: Path, seed: int, accounts: int, keep: Path | None) -> None:
    """Dry run, transfers, a lost answer, a second plan, a report: in under a minute.

    Plays on a sandbox inside this process, with a seeded fleet and a standing clock. No account,
    no config, no network.
    """
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"--keep: {keep} is not empty")
    folder = Path(tempfile.mkdtemp(prefix="budgetd-demo-"))
    try:
        with failures():
            ctx.exit(_play(folder, report, seed, accounts))
    finally:
        if keep is None:
            shutil.rmtree(folder)
        else:
            shutil.copytree(folder, keep, dirs_exist_ok=True)
            shutil.rmtree(folder)
            say(f"kept in {keep}; try `budgetd --config {keep / 'config.yaml'} transfers`")


def _play(folder: Path, page: Path, seed: int, accounts: int) -> int:
    from budgetd.demo.stage import set_up
    from budgetd.demo.story import DemoError, play

    def tell(text: str) -> None:
        click.echo(text)
        sys.stdout.flush()

    tell(f"budgetd demo: {accounts} accounts of a made-up enterprise, seed {seed}.")
    try:
        with set_up(folder, seed=seed, accounts=accounts) as stage:
            play(stage, page, screen_of(ZoneInfo("Asia/Shanghai")), tell)
    except (DemoError, OSError) as problem:
        say(f"error: {problem}")
        return FAILED
    return 0
