"""`budgetd test`: the policy cases, each through the real engine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from budgetd.cli.speaking import FAILED, failures, has_colour

if TYPE_CHECKING:
    from budgetd.config import Config


@click.command("test")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--coverage", "with_coverage", is_flag=True, help="Also: what no case has reached.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], with_coverage: bool, style: str) -> None:
    """Runs the policy cases: *_test.yaml at PATHS, else in the config's policies and their tests/.

    Reads files alone. Exits 0 where all pass, 1 where one fails or none was run, 2 where a
    document is invalid.
    """
    with failures():
        from budgetd.config.cases import frame_of, open_cases
        from budgetd.core.cases.coverage import RuleCoverage, coverage, merged
        from budgetd.core.cases.running import run_case
        from budgetd.report.cases_json import cases_json
        from budgetd.report.cases_text import Ran, cases_text, executed, failed

        config = _config(ctx.obj, is_needed=not paths)
        opened = open_cases(paths or ([config.policies] if config else ()), frame_of(config))
        ran: list[Ran] = []
        rows: list[RuleCoverage] = []
        for one in opened:
            file = one.written.model
            results = tuple(run_case(one.ground, file, case) for case in file.cases)
            ran.append(Ran(written=one.written, results=results))
            rows += coverage(one.ground, results) if with_coverage else ()
        rules = merged(rows) if with_coverage else None
        if style == "json":
            click.echo(cases_json(ran, rules), nl=False)
        else:
            click.echo(cases_text(ran, rules, is_coloured=has_colour()), nl=False)
        ctx.exit(FAILED if failed(ran) or not executed(ran) else 0)


def _config(option: str | None, *, is_needed: bool) -> "Config | None":
    """The config: whose limits, zone, calendar and windows are in force. Cases that are named run
    without one, too, on the product's defaults."""
    from budgetd.config import InvalidDocuments, find_config, load_config

    try:
        path = find_config(option)
    except InvalidDocuments:
        if is_needed or option or os.environ.get("BUDGETD_CONFIG"):
            raise
        return None
    return load_config(path)
