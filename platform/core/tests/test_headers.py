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


def test_part_of_a_page_after_the_session_ended_leads_to_sign_in_and_back(client: Client) -> None:
    response = client.get(
        "/accounts/2fa/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/m/laozao/deals/?page=2"},
    )

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/accounts/login/?next=%2Fm%2Flaozao%2Fdeals%2F"


def test_whole_page_after_the_session_ended_is_redirected_plainly(client: Client) -> None:
    response = client.get("/accounts/2fa/")

    assert response.status_code == 302
    assert "HX-Redirect" not in response.headers
