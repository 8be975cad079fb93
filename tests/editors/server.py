"""A yaml-language-server and the few words an editor speaks to it (LSP 3.17, over stdio)."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
COMMAND = ("node", "node_modules/yaml-language-server/bin/yaml-language-server", "--stdio")
Json = dict[str, Any]


class Server:
    """One server, told which schema is for which folder."""

    def __init__(self, schemas: dict[str, str]) -> None:
        self.settings = {
            "yaml": {"schemas": schemas, "schemaStore": {"enable": False}, "hover": True},
            "http": {"proxyStrictSSL": True},
        }
        self.last_id = 0
        self.told: dict[str, list[Json]] = {}

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            COMMAND, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        snippets = {"completion": {"completionItem": {"snippetSupport": True}}}
        abilities = {"textDocument": snippets, "workspace": {"configuration": True}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": abilities})
        self._send({"method": "initialized", "params": {}})
        changed = {"settings": self.settings}
        self._send({"method": "workspace/didChangeConfiguration", "params": changed})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()

    def open(self, uri: str, text: str) -> list[Json]:
        """Opens a document; what the server finds wrong with it."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.told.pop(uri, None)
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self.told:
            self._take()
        return self.told[uri]

    def complete(self, uri: str, line: int, column: int) -> list[Json]:
        """What could stand at a place, both from 0."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}
        found = self.ask("textDocument/completion", place)
        items: list[Json] = found["items"] if isinstance(found, dict) else found or []
        return items

    def hover(self, uri: str, line: int, column: int) -> str:
        """What is shown of a place, both from 0."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}
        found = self.ask("textDocument/hover", place)
        return str(found["contents"]["value"]) if found else ""

    def ask(self, method: str, params: Json) -> Any:
        """The answer to a request."""
        self.last_id += 1
        asked = self.last_id
        self._send({"id": asked, "method": method, "params": params})
        while True:
            message = self._take()
            if message.get("id") == asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _take(self) -> Json:
        """The next message; requests of the server are answered, what it tells is kept."""
        out = self.process.stdout
        assert out is not None
        size = 0
        while (header := out.readline()) != b"\r\n":
            assert header, "the server is gone"
            if header.lower().startswith(b"content-length:"):
                size = int(header.split(b":")[1])
        message: Json = json.loads(out.read(size))
        method = message.get("method")
        if method == "workspace/configuration":
            wanted = [item.get("section", "") for item in message["params"]["items"]]
            parts = [self.settings.get(section.strip("[]"), {}) for section in wanted]
            self._send({"id": message["id"], "result": parts})
        elif method == "textDocument/publishDiagnostics":
            self.told[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif method is not None and "id" in message:
            self._send({"id": message["id"], "result": None})
        return message

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()
