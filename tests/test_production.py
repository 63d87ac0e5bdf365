"""Nobody opens a shop to the public on a sandbox by accident."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from config.production import check_sandboxes

PUBLIC = {"DATABASE_URL": "postgresql://db.example/tongdao"}
CHOSEN = PUBLIC | {"PAYMENT_PROVIDER": "sandbox", "CUSTOMER_SIGN_IN": "shop.wechat.exchange"}


def check(
    said: dict[str, str], *, debug: bool = False, https_only: bool = True, embedded: bool = False
) -> None:
    check_sandboxes(said=said, debug=debug, https_only=https_only, embedded=embedded)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (PUBLIC, "PAYMENT_PROVIDER"),
        (PUBLIC | {"PAYMENT_PROVIDER": "sandbox"}, "CUSTOMER_SIGN_IN"),
        (CHOSEN | {"CUSTOMER_SIGN_IN": ""}, "CUSTOMER_SIGN_IN"),
        (CHOSEN, "SANDBOX_PAYMENT_SECRET"),
        (CHOSEN | {"SANDBOX_PAYMENT_SECRET": "sandbox-secret-for-development"}, "SANDBOX_PAYMENT_SECRET"),
    ],
)
def test_what_nobody_chose_is_named(said, missing):
    with pytest.raises(SystemExit, match=f"^{missing} is not set"):
        check(said)


def test_a_sandbox_may_be_chosen():
    check(CHOSEN | {"CUSTOMER_SIGN_IN": "sandbox", "SANDBOX_PAYMENT_SECRET": "a secret of our own"})
    check(CHOSEN | {"PAYMENT_PROVIDER": "somebody"})


def test_trials_need_no_choice():
    check({})
    check(PUBLIC, debug=True)
    check(PUBLIC, https_only=False)
    check(PUBLIC, embedded=True)


def test_the_settings_ask():
    said = {
        "DATABASE_URL": "postgresql://db.example/tongdao",
        "HTTPS_ONLY": "1",
        "SECRET_KEY": "x" * 50,
        "DEBUG": "0",
    }
    kept = {name: value for name, value in os.environ.items() if name not in {"TONGDAO_EMBEDDED", *CHOSEN}}
    ran = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=settings.ROOT / "platform",
        env={**kept, **said},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("PAYMENT_PROVIDER is not set")
