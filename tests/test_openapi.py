"""The service under fire: schemathesis sends what the document allows and what it does not; nothing may end in a
500."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from serving import Live, serving, settings
from vitascope.serve.openapi import document

ENDLESS = "/v1/videos/events"  # a stream without an end


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(settings(tmp_path_factory.mktemp("data")), produce=None) as live:
        yield live


schema = schemathesis.openapi.from_dict(document()).exclude(path=ENDLESS)


@schema.parametrize()
@examples(max_examples=4, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_no_request_ends_in_a_server_error(case: schemathesis.Case, live: Live) -> None:
    case.call_and_validate(
        base_url=live.url,
        checks=[not_a_server_error, response_schema_conformance],
        headers={"Origin": live.url},
        timeout=30,
    )
