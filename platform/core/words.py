"""Sentences are translated whole; what stands between the words of a list is too."""

from collections.abc import Iterable

from django.utils.translation import pgettext


def list_words(words: Iterable[object]) -> str:
    """ "Mon, Tue" or "周一、周二", in the active language."""
    return pgettext("between the words of a list", ", ").join(str(word) for word in words)
