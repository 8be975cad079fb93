"""A headline figure, as every page has it. It may not count."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One headline figure. `tone` is a class of the style sheet, or empty."""

    name: str
    value: str
    tone: str = ""
