"""openapi.yaml is what the code says, and the code does what openapi.yaml says, whatever is sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from config.wsgi import application
from coupons.tests.town import make_town
from tests.api.conftest import api_of

COMMITTED = Path(settings.ROOT) / "openapi.yaml"
NO_LIMITS = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
EXAMPLES = 12  # per operation and reader; the whole file stays under a minute

# What the schema cannot say: which texts are phones or known codes, and that our tokens are real ones.
NOT_ASKED = [positive_data_acceptance, ignored_auth]

CONFIG = schemathesis.Config.from_dict({"generation": {"mode": "all", "allow-x00": True}})
schema = schemathesis.openapi.from_path(COMMITTED, config=CONFIG)
schema.app = application


def test_committed_schema_is_what_the_code_says(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.yaml"

    call_command("spectacular", "--lang", "en", "--validate", "--fail-on-warn", "--file", str(fresh))

    assert COMMITTED.read_text() == fresh.read_text(), (
        "run: python manage.py spectacular --lang en --file openapi.yaml"
    )


@pytest.fixture
def keep_connection() -> Iterator[None]:
    """The application closes connections around each request; the test's transaction must live on."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def readers(db: None, keep_connection: None, settings: Any) -> dict[str, dict[str, str]]:
    """A town with something to find, and the headers of each of its people."""
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": NO_LIMITS}
    cache.clear()
    town = make_town()
    town.buy(quantity=2)
    town.order()
    return {
        "anybody": {},
        "customer": {"Authorization": f"Token {api_of(town.customer.user).token}"},
        "clerk": {"Authorization": f"Token {api_of(town.clerk).token}"},
    }


@pytest.mark.parametrize("reader", ["anybody", "customer", "clerk"])
@schema.parametrize()
@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_the_answer_fits_the_schema(
    case: Any, reader: str, readers: dict[str, dict[str, str]]
) -> None:
    response = case.call(headers=readers[reader])

    assert response.status_code < 500, response.text
    case.validate_response(response, excluded_checks=NOT_ASKED)
