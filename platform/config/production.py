"""What an installation that serves real customers must have said itself, and in what shape."""

from collections.abc import Mapping

DEVELOPMENT_SECRET = "sandbox-secret-for-development"  # noqa: S105 - everybody can read it here


def check_sandboxes(*, said: Mapping[str, str], debug: bool, https_only: bool, embedded: bool) -> None:
    """Refuse to start where the sandboxes would serve the public only because nobody chose anything.

    `said` is the environment. Strict with a DATABASE_URL of one's own, HTTPS_ONLY and without DEBUG: there
    PAYMENT_PROVIDER and CUSTOMER_SIGN_IN must be named (naming "sandbox" is allowed), and a sandbox must not be signed
    with the secret of this repository. Raises SystemExit with one sentence.
    """
    if debug or embedded or not https_only or not said.get("DATABASE_URL"):
        return
    for name, danger in (
        ("PAYMENT_PROVIDER", "the sandbox sells for nothing"),
        ("CUSTOMER_SIGN_IN", "the sandbox lets anybody be anybody"),
    ):
        if not said.get(name):
            raise SystemExit(f"{name} is not set: without it {danger}. Name yours, or `sandbox` for a trial.")
    secret = said.get("SANDBOX_PAYMENT_SECRET") or DEVELOPMENT_SECRET
    if said["PAYMENT_PROVIDER"] == "sandbox" and secret == DEVELOPMENT_SECRET:
        raise SystemExit(
            "SANDBOX_PAYMENT_SECRET is not set: with the one of the repository anybody can report a payment."
        )


def whole_number(name: str, text: str, *, least: int, most: int) -> int:
    """A setting's number, written in digits. Raises SystemExit with one sentence for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most:
        return int(text)
    raise SystemExit(f"{name}={text!r} is not a whole number from {least} to {most}.")


def yes_or_no(name: str, text: str) -> bool:
    """A setting's switch. Raises SystemExit with one sentence for anything but true and false."""
    if text.lower() not in {"true", "false"}:
        raise SystemExit(f"{name}={text!r} is neither true nor false.")
    return text.lower() == "true"
