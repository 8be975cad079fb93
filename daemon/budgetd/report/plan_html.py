"""The plan as one HTML file that needs nothing else: no script, no font, no address.

Everything shown is escaped, and made harmless, by the environment and not by the template. The
page forbids itself all but its own style sheet, which it names by its digest.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from zoneinfo import ZoneInfo

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from budgetd.core.observation import Observation
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.report.harmless import harmless
from budgetd.report.page import page_of

TEMPLATE = "plan.html.j2"
STYLE = "plan.css"


def plan_html(
    plan: Plan,
    observation: Observation,
    zone: ZoneInfo,
    *,
    results: Sequence[Outcome] | None = None,
) -> str:
    """The page of a plan; with `results` also what carrying it out did."""
    files = {name: _own_file(name) for name in (TEMPLATE, STYLE)}
    environment = Environment(
        loader=DictLoader(files),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    digest = base64.b64encode(hashlib.sha256(files[STYLE].encode()).digest()).decode()
    return environment.get_template(TEMPLATE).render(
        page=page_of(plan, observation, zone, results), style_digest=f"sha256-{digest}"
    )


def _own_file(name: str) -> str:
    return resources.files("budgetd.report").joinpath(name).read_text(encoding="utf-8")


def _finalize(value: object) -> object:
    """Every text from outside is made harmless here, so that no template can forget it."""
    if isinstance(value, Markup):
        return value
    return harmless(value) if isinstance(value, str) else value
