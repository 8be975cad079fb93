"""`budgetd schema`: the JSON Schema of documents for editors, and the reference for people.

It may not describe anything itself: the models do.
"""

import json

import click


@click.command("schema")
@click.argument("document", type=click.Choice(["policy", "config"]))
@click.option("--format", "style", type=click.Choice(["json", "markdown"]), default="json")
def command(document: str, style: str) -> None:
    """Prints the JSON Schema (draft 2020-12) of policies or of the config.

    `--format markdown` prints the reference tables of the documentation instead.
    """
    from budgetd.config.examples import CONFIG_EXAMPLES
    from budgetd.config.schema import Config
    from budgetd.core.documents.schema import markdown_reference, schema_of
    from budgetd.core.policies.examples import POLICY_EXAMPLES
    from budgetd.core.policies.policy import Policy

    model = Policy if document == "policy" else Config
    title = "A policy file" if document == "policy" else "The config"
    if style == "markdown":
        click.echo(markdown_reference(model, title), nl=False)
        return
    examples = POLICY_EXAMPLES if document == "policy" else CONFIG_EXAMPLES
    click.echo(json.dumps(schema_of(model, title, examples), indent=2, ensure_ascii=False))
