"""Every URL of the product, read from the URLconf itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, get_resolver


@dataclass(frozen=True)
class Url:
    name: str
    route: str
    arguments: tuple[str, ...]
    view: Any


def walk(
    patterns: Any = None, namespace: str = "", route: str = "", arguments: tuple[str, ...] = ()
) -> Iterator[Url]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = f"{route}{pattern.pattern}"
        own = (
            *pattern.pattern.converters,
            *getattr(getattr(pattern.pattern, "regex", None), "groupindex", {}),
        )
        known = tuple(dict.fromkeys((*arguments, *own)))
        if isinstance(pattern, URLPattern):
            yield Url(f"{namespace}{pattern.name or here}", here, known, pattern.callback)
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from walk(pattern.url_patterns, inner, here, known)


URLS = {url.name: url for url in walk()}
