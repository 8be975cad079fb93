"""The plan as one HTML file that needs nothing else: no script, no font, no address.

Everything shown is escaped, and made harmless, by the environment and not by the template. The
page forbids itself all but its own style sheet, which it names by its digest.
"""

from collections.abc import Iterable

from budgetd.report.markup import environment_of, own_file, style_digest
from budgetd.report.page import Page

TEMPLATE = "plan.html.j2"
STYLE = "plan.css"


def plan_html(page: Page, ahead: Iterable[str] = ()) -> str:
    """The page of a plan; `ahead` tells how long money lasts."""
    files = {name: own_file("budgetd.report", name) for name in (TEMPLATE, STYLE)}
    template = environment_of(files).get_template(TEMPLATE)
    return template.render(page=page, ahead=tuple(ahead), style_digest=style_digest(files[STYLE]))
