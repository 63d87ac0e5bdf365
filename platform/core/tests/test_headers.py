"""The security policy is strict, and wider only where a library needs it."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def policy(response: object) -> dict[str, set[str]]:
    header = response.headers["Content-Security-Policy"]
    return {part.split()[0]: set(part.split()[1:]) for part in header.split(";") if part.strip()}


@pytest.mark.parametrize(
    ("path", "script", "style"),
    [
        ("/accounts/login/", {"'self'"}, {"'self'"}),
        ("/no/such/page/", {"'self'"}, {"'self'"}),
        ("/clerk/none/", {"'self'", "'wasm-unsafe-eval'"}, {"'self'"}),
        ("/ops/login/", {"'self'", "'unsafe-eval'"}, {"'self'", "'unsafe-inline'"}),
        ("/api/docs/none/", {"'self'"}, {"'self'", "'unsafe-inline'"}),
        ("/opsx/", {"'self'"}, {"'self'"}),
    ],
)
def test_policy_by_path(client: Client, path: str, script: set[str], style: set[str]) -> None:
    response = client.get(path)

    found = policy(response)
    assert found["script-src"] == script
    assert found["style-src"] == style
    assert found["default-src"] == {"'self'"}
    assert found["object-src"] == found["base-uri"] == found["frame-ancestors"] == {"'none'"}
    assert response.headers["Permissions-Policy"] == "camera=(self), geolocation=(self), microphone=()"
