"""The house's own rules, counted: sizes, excuses, and documents that say what is true."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "daemon" / "budgetd"
LONGEST_FUNCTION = 50
LONGEST_FILE = 400
LONGEST_TEST_FILE = 600
MOST_PARAMETERS = 5
EXCUSES = {"noqa": 13, "type: ignore": 6, "pragma: no cover": 0}
"""How often the package excuses itself from a rule. The counts may only fall."""


def sources(*folders: str) -> list[Path]:
    """The Python files of these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a file, nested ones included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether click calls it: then its parameters are its options."""
    return any("option" in ast.dump(decorator) for decorator in function.decorator_list)


def test_no_function_is_longer_than_fifty_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{one.lineno} {one.name}: {lines}"
        for path in sources("daemon", "bench", "tests")
        for one in functions(path)
        if (lines := (one.end_lineno or one.lineno) - one.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_no_file_is_longer_than_its_bound() -> None:
    bounds = {"daemon": LONGEST_FILE, "bench": LONGEST_FILE, "tests": LONGEST_TEST_FILE}
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for folder, bound in bounds.items()
        for path in sources(folder)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > bound
    ]
    assert not long, "\n".join(long)


def test_no_function_takes_more_than_five_parameters() -> None:
    many = []
    for path in sources("daemon"):
        for one in functions(path):
            named = [a.arg for a in (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs)]
            count = len([name for name in named if name not in ("self", "cls")])
            if count > MOST_PARAMETERS and not is_command(one):
                many.append(f"{path.relative_to(ROOT)}:{one.lineno} {one.name}: {count}")
    assert not many, "\n".join(many)


def test_every_excuse_has_its_reason_and_their_number_does_not_grow() -> None:
    counted: Counter[str] = Counter()
    bare = []
    for path in sources("daemon"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for excuse in EXCUSES:
                found = re.search(rf"# {excuse}\b(?:[:\[][^#]*?)?(?P<reason> +(-|#).*)?$", line)
                if found:
                    counted[excuse] += 1
                    if not found["reason"]:
                        bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert not bare, "\n".join(bare)
    assert dict(counted) == {name: count for name, count in EXCUSES.items() if count}


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources("daemon", "bench", "tests")
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent, "\n".join(silent)


def test_every_path_that_architecture_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    named = set(re.findall(r"`([\w.*/-]+(?:/|\.py|\.md|\.yaml|\.toml|\.service))`", text))
    places = (ROOT, PACKAGE)
    missing = [
        name for name in sorted(named) if not any(list(place.glob(name)) for place in places)
    ]
    assert named
    assert not missing, missing


def test_the_readme_is_short_has_a_picture_and_names_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)|<img[^>]+src=\"([^\"]+)\"", text)
    assert pictures
    assert all((ROOT / (first or second)).is_file() for first, second in pictures)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    from budgetd.cli import COMMANDS

    named = re.findall(r"(?:`|\$ |/)budgetd(?: --config \S+)? ([a-z]+)\b", text)
    assert named
    assert set(named) <= set(COMMANDS)


def test_links_between_documents_lead_somewhere() -> None:
    lost = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    ]
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("module", ["budgetd.cli", "budgetd.core.plans.plan", "budgetd.cycle"])
def test_nothing_puts_a_second_copy_of_the_package_on_the_path(module: str) -> None:
    script = f"import {module}, sys; print([n for n in sys.modules if n.startswith('daemon')])"
    seen = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/"
    )
    assert seen.stdout.strip() == "[]"
