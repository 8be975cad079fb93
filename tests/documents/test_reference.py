"""The reference in the documentation says what the models say, and its examples are valid."""

import re
from pathlib import Path

from click.testing import CliRunner

from budgetd.cli import main
from budgetd.core.documents.placing import read_model
from budgetd.core.policies.policy import Policy

PAGE = Path(__file__).parents[2] / "docs" / "policies.md"


def test_the_reference_is_drawn_from_the_models() -> None:
    _, _, rest = PAGE.read_text().partition("<!-- reference begins -->\n")
    written, _, _ = rest.partition("<!-- reference ends -->")
    drawn = CliRunner().invoke(main, ["schema", "policy", "--format", "markdown"]).stdout
    assert written == drawn, "paste `budgetd schema policy --format markdown` into the page"


def test_the_first_policy_of_the_page_is_valid_and_its_cases_pass(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    policy, cases = [block for block in blocks if "version: 1" in block]
    assert isinstance(read_model(policy, "page.yaml", Policy), Policy)
    (tmp_path / "production.yaml").write_text(policy)
    (tmp_path / "production_test.yaml").write_text(cases)
    ran = CliRunner().invoke(main, ["test", str(tmp_path)])
    assert ran.exit_code == 0, ran.output


def test_every_link_of_the_reference_leads_somewhere() -> None:
    text = PAGE.read_text()
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= headings
