"""Every event of the log stands in one table, its page agrees, and no line hides anything."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import budgetd
from budgetd import logs

PACKAGE = Path(budgetd.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "events.md"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
HOSTILE = "a\nlevel=error\r\x1b[31m\u202e\x00\u2028b"


@dataclass(frozen=True)
class Call:
    """One line that the source writes."""

    place: str
    name: str
    levels: frozenset[str]
    fields: frozenset[str]


def levels_of(node: ast.expr) -> frozenset[str]:
    """The levels by which an expression logs: `logger().info`, `LOG.info`, or a choice of them."""
    if isinstance(node, ast.IfExp):
        return levels_of(node.body) | levels_of(node.orelse)
    is_ours = isinstance(node, ast.Attribute) and node.attr in LEVELS
    if not is_ours:
        return frozenset()
    assert isinstance(node, ast.Attribute)
    owner = node.value.func if isinstance(node.value, ast.Call) else node.value
    if isinstance(owner, ast.Name) and owner.id in ("logger", "LOG"):
        return frozenset({"error" if node.attr == "exception" else node.attr})
    return frozenset()


def fields_of(call: ast.Call, function: ast.AST) -> frozenset[str]:
    """The fields of one line; `extra` names a mapping that is written down in the function."""
    names = {word.arg for word in call.keywords if word.arg and word.arg != "extra"}
    extra = [word.value for word in call.keywords if word.arg == "extra"]
    for node in ast.walk(function) if extra else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            keys = (key.value for key in node.value.keys if isinstance(key, ast.Constant))
            names |= {str(key) for key in keys}
    assert all(word.arg for word in call.keywords), "fields are written out"
    return frozenset(names)


def calls_of(path: Path) -> Iterator[Call]:
    """Every line that a file may write."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        aliases = {
            node.targets[0].id: levels_of(node.value)
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            levels = levels_of(node.func)
            if isinstance(node.func, ast.Name):
                levels = aliases.get(node.func.id, frozenset())
            if levels:
                place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                assert node.args, place
                assert isinstance(node.args[0], ast.Constant), f"{place}: an event is a word"
                name = str(node.args[0].value)
                yield Call(place, name, levels, fields_of(node, function))


CALLS = [call for path in sorted(PACKAGE.rglob("*.py")) for call in calls_of(path)]


def test_every_line_of_the_source_is_in_the_table_with_its_level_and_fields() -> None:
    strays = [
        f"{call.place}: {call.name} {sorted(call.levels)} {sorted(call.fields)}"
        for call in CALLS
        if call.name not in logs.EVENTS
        or not call.levels <= set(logs.EVENTS[call.name].levels)
        or call.fields != set(logs.EVENTS[call.name].fields)
    ]
    assert not strays, "logs.EVENTS does not know:\n" + "\n".join(strays)


def test_every_event_of_the_table_is_written_somewhere_at_each_of_its_levels() -> None:
    written = {(call.name, level) for call in CALLS for level in call.levels}
    listed = {(name, level) for name, event in logs.EVENTS.items() for level in event.levels}
    assert listed <= written


def test_the_page_says_what_the_table_says() -> None:
    _, _, rest = PAGE.read_text("utf-8").partition("<!-- events begin -->\n")
    written, _, _ = rest.partition("<!-- events end -->")
    assert written == logs.events_page(), "paste `logs.events_page()` into docs/events.md"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_hostile_name_stays_on_its_line_in_both_forms(stream: io.StringIO) -> None:
    for style in ("json", "text"):
        logs.configure("info", style, stream)
        logs.logger().info("transfer_ended", name=HOSTILE, accounts=[HOSTILE])
        logging.getLogger("a.library").warning("it said %s", HOSTILE)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 5
    assert all(line.isprintable() and line.isascii() for line in lines)
    assert json.loads(lines[0])["name"] == HOSTILE
    assert json.loads(lines[1])["logger"] == "a.library"


def test_an_exception_in_text_shows_its_lines_and_hides_nothing(stream: io.StringIO) -> None:
    logs.configure("info", "text", stream)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logs.logger().exception("cycle_failed")
    text = stream.getvalue()
    assert "Traceback" in text
    assert not {"\x1b", "\u202e", "\x00", "\r", "\u2028"} & set(text)


def test_libraries_speak_in_the_same_form_and_without_addresses(stream: io.StringIO) -> None:
    # A sandbox that ran in this process has told uvicorn to say errors alone.
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
    logs.configure("debug", "json", stream)
    for name in ("httpx", "httpcore.connection", "apscheduler.scheduler", "uvicorn.error"):
        logging.getLogger(name).info("POST https://hooks.example/planted")
    logging.getLogger("uvicorn.error").warning("the port is in use")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["level"]) == ("the port is in use", "warning")


def test_a_repeated_call_is_an_event_like_any_other(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)
    extra = {"caused_by": "429", "wait_s": 1.5}
    logging.getLogger("budgetd.provider").info("call_repeated", extra=extra)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["caused_by"], line["wait_s"]) == ("call_repeated", "429", 1.5)
