"""How HTML is made: every text from outside is escaped and made harmless, by the environment.

A page carries one style sheet of its own and names it by its digest, so that it can forbid
itself everything else. It may not know what is shown.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from budgetd.report.harmless import harmless


def own_file(package: str, name: str) -> str:
    """A template or style sheet that lies in a package of ours."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def environment_of(files: Mapping[str, str]) -> Environment:
    """The one environment in which our templates are rendered."""
    return Environment(
        loader=DictLoader(files),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def style_digest(style: str) -> str:
    """The source of a Content-Security-Policy that lets this style sheet alone in."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"sha256-{digest}"


def _finalize(value: object) -> object:
    """Every text from outside is made harmless here, so that no template can forget it."""
    if isinstance(value, Markup):
        return value
    return harmless(value) if isinstance(value, str) else value
