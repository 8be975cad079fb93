"""What an accessibility check finds without a browser: structure, names, and contrast.

The whole of axe-core has been run over the page in a browser; this keeps what can be kept.
"""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from budgetd.ledger.store import Ledger
from budgetd.report.markup import own_file

from .conftest import Served
from .scene import HOSTILE, fleet, seen_of

VOID = {"meta", "input", "br"}
STYLE = own_file("budgetd.web", "status.css")
LEAST_CONTRAST = 4.5


class Structure(HTMLParser):
    """Every element with its attributes, its ancestors and its own text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[dict[str, str]] = []
        self._open: list[dict[str, str]] = []
        self.feed(text)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag}: an attribute twice"
        element = {name: value or "" for name, value in attrs} | {"tag": tag, "text": ""}
        element["in"] = " ".join(one["tag"] for one in self._open)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def all(self, *tags: str) -> list[dict[str, str]]:
        """The elements of these names, in order."""
        return [element for element in self.elements if element["tag"] in tags]


@pytest.fixture(params=["before the first cycle", "a fleet"])
async def page(request: pytest.FixtureRequest, ledger: Ledger, served: Served) -> Structure:
    """The page in two states; the fleet has names of hostile bytes."""
    accounts = fleet(40, HOSTILE) if request.param == "a fleet" else ()
    async with served(seen_of(ledger, accounts)) as client:
        return Structure((await client.get("/")).text)


async def test_the_page_has_a_language_a_title_landmarks_and_scales(page: Structure) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("title")[0]["text"] == "acme · budgetd status"
    for landmark in ("header", "main", "footer"):
        assert len(page.all(landmark)) == 1
    viewport = next(one for one in page.all("meta") if one.get("name") == "viewport")
    assert not re.search("user-scalable|maximum-scale", viewport["content"])
    for section in page.all("section"):
        assert section["aria-labelledby"]


async def test_headings_are_in_order_and_say_something(page: Structure) -> None:
    levels = [int(one["tag"][1]) for one in page.all("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(one["text"].strip() for one in page.all("h1", "h2", "h3"))


async def test_ids_are_unique_and_what_refers_to_one_finds_it(page: Structure) -> None:
    ids = [one["id"] for one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))
    wanted = [one["aria-labelledby"] for one in page.elements if "aria-labelledby" in one]
    wanted += [one["for"] for one in page.all("label")]
    wanted += [one["href"][1:] for one in page.all("a") if one["href"].startswith("#")]
    assert set(wanted) <= set(ids)


async def test_tables_have_captions_and_headers_with_scope(page: Structure) -> None:
    tables = page.all("table")
    assert tables
    assert len(page.all("caption")) == len(tables)
    assert {one["scope"] for one in page.all("th")} == {"col", "row"}
    assert all(one["text"].strip() for one in page.all("th"))
    # As blocks on a narrow screen they would be no table any more, but for their roles.
    roles = {"table": "table", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    for tag, role in roles.items():
        assert {one.get("role") for one in page.all(tag)} == {role}


async def test_drawings_inputs_and_links_have_names(page: Structure) -> None:
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert len(drawing["aria-label"]) > 10
    titles = [one for one in page.all("title") if "svg" in one["in"]]
    assert len(titles) == len(page.all("svg"))
    labelled = {one["for"] for one in page.all("label") if one["text"].strip()}
    assert {one["id"] for one in page.all("input")} <= labelled
    for named in page.all("a", "button", "summary"):
        assert named["text"].strip()
    assert not [one for one in page.elements if int(one.get("tabindex", "0")) > 0]


async def test_a_state_is_a_word_and_never_a_colour_alone(page: Structure) -> None:
    toned = [one for one in page.elements if set(one.get("class", "").split()) & {"good", "bad"}]
    assert all(one["text"].strip() for one in toned)


def colours(scheme: str) -> dict[str, str]:
    """The variables of a scheme; the dark one overrides the light one."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = {}
    for block in blocks[: 1 if scheme == "light" else 2]:
        found |= dict(re.findall(r"--([a-z]+): (#[0-9a-f]+)", block))
    return found


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(scheme: str) -> None:
    found = colours(scheme)
    assert len(found) == 11
    for text in ("ink", "soft", "good", "wait", "bad", "link"):
        for behind in ("page", "card"):
            assert contrast(found[text], found[behind]) >= LEAST_CONTRAST, (text, behind)
    for shape in ("edge", "bad", "link"):
        assert contrast(found[shape], found["card"]) >= 3, shape


def test_what_has_the_focus_is_seen() -> None:
    assert "outline: none" not in STYLE
    assert re.search(r":focus-visible[^{]*\{ outline: 3px", STYLE)
