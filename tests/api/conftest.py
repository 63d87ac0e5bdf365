"""A town with an API client for each of its people."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from coupons.tests.town import Town, make_customer, make_town
from identity.api.authentication import CUSTOMER_TOKEN_LIFE, give_token
from identity.models import User


@dataclass
class Api:
    """A client of the API with a token, or none."""

    token: str = ""
    language: str = "en"

    def get(self, path: str, **headers: str) -> Any:
        return Client().get(f"/api/v1/{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        if key is not None:
            headers["Idempotency-Key"] = key
        data = body if isinstance(body, bytes | str) else json.dumps({} if body is None else body)
        return Client().post(
            f"/api/v1/{path}", data=data, content_type="application/json", headers=self._headers(headers)
        )

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        own = {"Accept-Language": self.language}
        if self.token:
            own["Authorization"] = f"Token {self.token}"
        return own | more


def api_of(user: User) -> Api:
    return Api(token=give_token(user=user, life=CUSTOMER_TOKEN_LIFE)[0])


def fresh_key() -> str:
    return uuid.uuid4().hex


def error_of(response: Any) -> dict[str, Any]:
    """The one error of an answer, which must have the one shape of all errors."""
    answer = response.json()
    assert set(answer) == {"type", "errors"}
    (error,) = answer["errors"]
    assert set(error) == {"code", "detail", "attr", "next_step", "facts"}
    assert error["detail"]
    return error


@pytest.fixture(autouse=True)
def _no_throttle_counts() -> None:
    cache.clear()


@pytest.fixture
def town(db: None) -> Town:
    return make_town()


@pytest.fixture
def anybody() -> Api:
    return Api()


@pytest.fixture
def customer(town: Town) -> Api:
    return api_of(town.customer.user)


@pytest.fixture
def stranger(town: Town) -> Api:
    """Another customer, who must see nothing of the first one's."""
    return api_of(make_customer("小赵").user)


@pytest.fixture
def clerk(town: Town) -> Api:
    return api_of(town.clerk)
