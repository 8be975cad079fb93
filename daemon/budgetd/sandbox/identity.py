"""Signing in: tokens for a name and a password (section 15.3), and whose domain a key is of.

It may not serve any bill or move money.
"""

import json

from budgetd.sandbox.auth import TOKEN_LIFE, SignedRequest
from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.nouns import Refusal
from budgetd.sandbox.wire import Answer, instant_text, refusal_content

SANDBOX_DOMAIN = "acme"
SANDBOX_USER = "sandbox"
SANDBOX_PASSWORD = "sandbox-password"  # noqa: S105 - printed on purpose, opens nothing else
TOKENS = "/v3/auth/tokens"
DOMAINS = "/v3/auth/domains"


def answer_identity(sandbox: Sandbox, request: SignedRequest) -> Answer | None:
    """The answer to a request about identity; None if it is about something else."""
    if (request.method, request.path) == ("POST", TOKENS):
        return _issue(sandbox, request)
    if (request.method, request.path) == ("GET", DOMAINS):
        return _domains(sandbox, request)
    return None


def _domains(sandbox: Sandbox, request: SignedRequest) -> Answer:
    try:
        caller = sandbox.gate.caller(request, sandbox.clock.now())
    except Refusal as refusal:
        return Answer(status=refusal.status, content=refusal_content(refusal))
    domain = {"id": caller, "name": SANDBOX_DOMAIN, "enabled": True}
    return Answer(content={"domains": [domain], "links": {}})


def _issue(sandbox: Sandbox, request: SignedRequest) -> Answer:
    try:
        auth = json.loads(request.body)["auth"]
        methods = auth["identity"]["methods"]
        user = auth["identity"]["password"]["user"]
        given = (user["domain"]["name"], user["name"], user["password"])
        scope = auth.get("scope") or {}
        is_domain_scoped = scope.get("domain", {}).get("name") == SANDBOX_DOMAIN
    except (ValueError, KeyError, TypeError, AttributeError):
        return _trouble(400, "Request body is invalid.", "Bad Request")
    if methods != ["password"]:
        return _trouble(400, "Request body is invalid.", "Bad Request")
    if given != (SANDBOX_DOMAIN, SANDBOX_USER, SANDBOX_PASSWORD):
        return _trouble(401, "The username or password is wrong.", "Unauthorized")
    now = sandbox.clock.now()
    master = sandbox.book.master
    token = sandbox.gate.issue_token(master.id, now, is_domain_scoped=is_domain_scoped)
    content = {
        "token": {
            "methods": ["password"],
            "issued_at": instant_text(now),
            "expires_at": instant_text(now + TOKEN_LIFE),
            "domain": {"id": master.id, "name": SANDBOX_DOMAIN},
            "user": {"name": SANDBOX_USER, "domain": {"id": master.id, "name": SANDBOX_DOMAIN}},
        }
    }
    return Answer(status=201, content=content, headers={"X-Subject-Token": token})


def _trouble(status: int, message: str, title: str) -> Answer:
    error = {"code": status, "message": message, "title": title}
    return Answer(status=status, content={"error": error})
