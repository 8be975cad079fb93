"""Configs and policies with a literal secret in any of their keys, as a key, or beside one.

It owns where in a document a secret can stand. It may not judge a message: that it is refused
and what it says are handed over.
"""

import json
from collections.abc import Callable
from random import Random
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel

from budgetd.config import Config, InvalidDocuments, load_config, load_policies
from budgetd.core.documents.placing import models_in
from budgetd.core.policies.policy import Policy

from .case import Case, Found
from .planting import ALNUM, chance, hostile, text_of
from .telling import Output, told_by

SECRET_KEYS = (
    ("provider", "credentials", "access_key"),
    ("provider", "credentials", "secret_key"),
    ("provider", "credentials", "security_token"),
    ("provider", "credentials", "token", "password"),
)
UNKNOWN_KEYS = ("secretkey", "password", "sk", "secret", "token", "security-token", "passwd")
POLICY = {
    "version": "1",
    "policy": "p",
    "rules": [
        {
            "name": "up",
            "accounts": {"org": "/R&D"},
            "top_up": {"when": {"below": "500.00"}, "to": "1000.00"},
        }
    ],
}
Tree = dict[str, "Tree | str"]


def config_tree() -> Tree:
    """A small config that is lawful."""
    return {
        "enterprise": "acme",
        "provider": {
            "credentials": {"access_key": "env:CAMPAIGN_AK", "secret_key": "env:CAMPAIGN_SK"}
        },
        "state": "sqlite:///state.db",
        "timezone": "UTC",
    }


def paths_of(model: type[BaseModel], under: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every key that a document of this model may have, each model entered once."""
    found: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        path = (*under, field.alias or name)
        found.append(path)
        if len(path) < 5:
            for inner in dict.fromkeys(models_in(field.annotation)):
                found += paths_of(inner, path)
    return found


CONFIG_PATHS = tuple(dict.fromkeys(paths_of(Config)))
POLICY_PATHS = tuple(dict.fromkeys(paths_of(Policy)))


async def config(case: Case) -> Found:
    """A config with a secret in it; in a key that names secrets even one that looks like none."""
    rng = case.rng
    tree = config_tree()
    secret = issued(rng)
    way = rng.randrange(6)
    extra = ""
    is_issued = way > 1
    if way == 0:
        is_issued = rng.random() < 0.5
        secret = secret if is_issued else hostile(rng, 8, 60)
        _plant(rng, tree, rng.choice(SECRET_KEYS), secret)
    elif way == 1:
        secret = text_of(rng, ALNUM, 24)
        endpoint = f"https://user:{secret}@bss.example.com"
        _plant(rng, tree, ("provider", rng.choice(("endpoint", "iam_endpoint"))), endpoint)
    elif way == 2:
        _plant(rng, tree, (*rng.choice(CONFIG_PATHS)[:-1], rng.choice(UNKNOWN_KEYS)), secret)
    elif way == 3:
        _plant(rng, tree, (*rng.choice(CONFIG_PATHS)[:-1], secret), rng.choice(("x", secret)))
    else:
        _plant(rng, tree, rng.choice(CONFIG_PATHS), _value(rng, secret))
    if is_issued and rng.random() < 0.2:
        # A line that is no YAML shows what it holds, unless that looks like a secret.
        extra = rng.choice((f"# sk: {secret}\n", f"mode: [\n  {secret}\n", f"{secret}\n"))
    path = case.folder / "config.yaml"
    path.write_text(written(rng, tree) + extra, "utf-8")
    return Found(secrets={"secret": secret}, outputs=_refused(lambda: load_config(path)))


async def policy(case: Case) -> Found:
    """A policy with a secret in it, as a value, as a key, in a comment, in a broken line."""
    rng = case.rng
    secret = issued(rng)
    tree = json.loads(json.dumps(POLICY))
    path = rng.choice(POLICY_PATHS)
    target = tree["rules"][0] if path[0] == "rules" else tree
    inside = path[1:] if path[0] == "rules" and len(path) > 1 else path
    if rng.random() < 0.2:
        inside = (*inside[:-1], secret)
    _plant(rng, target, inside, _value(rng, secret))
    extra = rng.choice(("", "", f"# {secret}\n", f"  - {secret}: [\n", f"\t{secret}\n"))
    folder = case.folder / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "p.yaml").write_text(written(rng, tree) + extra, "utf-8")
    config_path = case.folder / "lawful.yaml"
    if not config_path.exists():
        config_path.write_text(written(chance(0), config_tree()), "utf-8")
    lawful = load_config(config_path)
    assert lawful.timezone == ZoneInfo("UTC")
    outputs = _refused(lambda: load_policies(folder, lawful))
    return Found(secrets={"secret": secret}, outputs=outputs)


def issued(rng: Random) -> str:
    """A secret as the provider issues it: a secret key, or a token."""
    if rng.random() < 0.6:
        return text_of(rng, ALNUM, 40)
    return text_of(rng, ALNUM + "+/=_-", rng.randint(120, 900))


def _value(rng: Random, secret: str) -> Tree | str:
    if rng.random() < 0.05:
        return {secret: "x"}
    return rng.choice(
        (secret, secret, f"env:{secret}", f"file:{secret}", f"${{{secret}}}", f"x {secret} y")
    )


def _plant(rng: Random, tree: Tree, path: tuple[str, ...], value: Tree | str) -> None:
    for name in path[:-1]:
        inner = tree.get(name)
        if not isinstance(inner, dict):
            inner = {}
            tree[name] = inner
        tree = inner
    tree[path[-1]] = value


def written(rng: Random, tree: Tree) -> str:
    """The tree as YAML in one of the styles in which people write."""
    style = rng.choice((None, None, '"', "'", "|", ">"))
    flow = rng.choice((False, False, None, True))
    width = rng.choice((80, 10_000))
    text: str = yaml.safe_dump(
        tree, default_style=style, default_flow_style=flow, width=width, sort_keys=False
    )
    return text


def _refused(load: Callable[[], object]) -> list[Output]:
    try:
        load()
    except InvalidDocuments as error:
        outputs = [*told_by(error)]
        for problem in error.problems:
            outputs.append(("rendered", problem.render()))
            outputs.append(("coloured", problem.render(is_coloured=True)))
            outputs.append(("json", json.dumps(problem.as_json())))
            outputs.append(("noun", repr(problem)))
        return outputs
    return []
