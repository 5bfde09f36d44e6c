"""Write `protocol/openapi.json`, which is committed and never edited; a test fails when it is stale."""

from importlib.metadata import version
from pathlib import Path

from server.routes.openapi.document import document, written

FILE = Path(__file__).parents[3] / "protocol" / "openapi.json"

if __name__ == "__main__":
    FILE.write_text(written(document(version("quarterdeck"))), encoding="utf-8")
