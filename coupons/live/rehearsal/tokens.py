"""Sign shadow customers in, thousands at once; their tokens end with the rehearsal."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone
from django_scopes import scopes_disabled
from knox.crypto import create_token_string, hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS

from coupons.live.domain.shadow_shop import SIGN_IN
from coupons.live.models import Rehearsal
from identity.models import User

LIFE = timedelta(hours=6)
ROWS_AT_ONCE = 5_000


def give_tokens(users: Sequence[User]) -> list[str]:
    """A token for each user, in their order; only digests are kept."""
    tokens = [create_token_string() for _ in users]
    expiry = timezone.now() + LIFE
    AuthToken.objects.bulk_create(
        (
            AuthToken(
                user=user,
                digest=hash_token(token),
                token_key=token[: CONSTANTS.TOKEN_KEY_LENGTH],
                expiry=expiry,
            )
            for user, token in zip(users, tokens, strict=True)
        ),
        batch_size=ROWS_AT_ONCE,
    )
    return tokens


def take_tokens_back(rehearsal: Rehearsal) -> None:
    """Nobody signs in as a shadow any more."""
    with scopes_disabled():
        shadows = User.objects.filter(
            customer__sign_in_provider=SIGN_IN, customer__open_id__startswith=f"{rehearsal.lane}:"
        )
        AuthToken.objects.filter(user__in=shadows).delete()
        shadows.update(is_active=False)
        AuthToken.objects.filter(user__grants__party_id=rehearsal.shadow_id).delete()
