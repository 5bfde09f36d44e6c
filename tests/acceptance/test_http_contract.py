"""Whatever the OpenAPI document allows, and much that it does not, is answered as it says, and never by a fault."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation

from server.routes.openapi.document import document
from tests.support import demo
from tests.support.stack import Stack
from tests.support.story import Storyteller
from tests.support.tokens import AUTH, token

#: All checks are on but one: what fits the schema may still lack what a crew needs, which no schema says. What does not
#: fit may be refused for being too long before anybody reads it.
CHECKS = {
    "positive_data_acceptance": {"enabled": False},
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 406, 409, 413, 422, "5xx"]},
}

schema = schemathesis.openapi.from_dict(document("1"), config=schemathesis.Config.from_dict({"checks": CHECKS}))


@pytest.fixture(scope="module")
def site(tales: Storyteller) -> Iterator[Stack]:
    """An installation that may be sent anything, by who says who it is; its crew needs no model."""
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        stack = Stack(Path(folder), tales.server.url, settings={**demo.SETTINGS, **AUTH, "QUARTERDECK_DEMO_SPEED": "0"})
        try:
            anyio.run(stack.mend)
            yield stack
            assert "Traceback" not in stack.webs[0].err
        finally:
            stack.stop()


@schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_described(site: Stack, case: "schemathesis.Case[Any]") -> None:
    wrong = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    headers = {} if wrong else {"Authorization": f"Bearer {token(roles=['admin'])}"}  # a wrong header may be this one
    case.call_and_validate(base_url=f"http://127.0.0.1:{site.port}", headers=headers, timeout=60)
