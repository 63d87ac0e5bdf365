"""Lists in pages that do not shift while rows are added: newest first, `next` and `previous` are links."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from core.paths import LARGEST_ID


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 20
    max_page_size = 50
    page_size_query_param = "page_size"
    invalid_cursor_message = _("This page link is not right; start from the first page.")

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor: Any = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        position = str(cursor.position)
        if not (position.isascii() and position.isdigit() and len(position) <= 19):
            raise NotFound(self.invalid_cursor_message)
        if int(position) > LARGEST_ID:
            raise NotFound(self.invalid_cursor_message)
        return cursor
