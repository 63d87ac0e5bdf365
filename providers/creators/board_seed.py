"""What the board of the demonstration town knows and has shown."""

from collections.abc import Iterable

from providers.creators.domain.board_records import count_records
from providers.creators.domain.impressions import log_page
from providers.creators.domain.recommending import recommend_tasks
from providers.creators.models import Creator


def build_board(*, creators: Iterable[Creator]) -> None:
    """Count what was redeemed so far, and let every creator look at his board once."""
    count_records()
    for creator in creators:
        log_page(page=recommend_tasks(creator=creator))
