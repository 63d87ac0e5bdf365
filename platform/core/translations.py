"""Translations without GNU gettext: catalogues are compiled, and gaps found, in plain Python.

The Chinese texts live in locale/<surface>/zh_Hans/LC_MESSAGES/django.po; the .mo beside each is made here.
"""

import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation.reloader import translation_file_changed

FLOORS = ("platform", "merchants", "coupons", "providers")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


@dataclass(frozen=True)
class Entry:
    """A text of the code or a template that wants a translation."""

    place: str
    msgid: str
    context: str | None = None
    plural: str | None = None

    @property
    def key(self) -> str:
        return f"{self.context}\x04{self.msgid}" if self.context else self.msgid


def compile_all(*, force: bool = False) -> list[Path]:
    """Compiles every django.po that is newer than its .mo; returns the .mo files written. Safe to run twice at once."""
    written = []
    for po in catalogues():
        mo = po.with_suffix(".mo")
        if force or not mo.exists() or mo.stat().st_mtime_ns < po.stat().st_mtime_ns:
            _compile(po, mo)
            translation_file_changed(None, mo)  # forget what was read before, as Django does when it reloads
            written.append(mo)
    return written


def catalogues() -> list[Path]:
    """Our catalogues, in the order in which Django reads them."""
    return [
        po for folder in settings.LOCALE_PATHS for po in sorted(Path(folder).glob("*/LC_MESSAGES/django.po"))
    ]


def find_missing(language: str = "zh-hans") -> list[Entry]:
    """The entries of our tree without a translation in our catalogues, Django's or another package's."""
    from django.utils.translation.trans_real import DjangoTranslation

    catalogue = DjangoTranslation(language)._catalog  # type: ignore[attr-defined]
    return [
        entry
        for entry in sorted(extract(), key=lambda entry: entry.place)
        if not (catalogue.get((entry.key, 0)) if entry.plural else catalogue.get(entry.key))
    ]


def extract() -> set[Entry]:
    """Every text marked for translation in the Python files and templates of this repository."""
    return {
        entry
        for path in _sources()
        for entry in _extract_file(path, str(path.relative_to(settings.ROOT)))
        if entry.msgid
    }


def _sources() -> Iterator[Path]:
    for floor in FLOORS:
        for path in sorted((settings.ROOT / floor).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.parts):
                yield path
        yield from sorted((settings.ROOT / floor).rglob("templates/**/*.html"))
    yield from sorted((settings.ROOT / "templates").rglob("*.html"))
    yield from sorted((settings.ROOT / "templates").rglob("*.txt"))


def _extract_file(path: Path, place: str) -> Iterator[Entry]:
    from babel.messages.extract import extract as babel_extract
    from django.utils.translation.template import templatize

    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # What templatize leaves is calls among filler; without indentation Python's tokenizer accepts it.
        source = "\n".join(line.strip() for line in templatize(source, origin=place).splitlines())
    stream = io.BytesIO(source.encode())
    for line, message, _comments, context in babel_extract("python", stream, keywords=KEYWORDS):  # type: ignore[arg-type]
        msgid, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, None)
        yield Entry(place=f"{place}:{line}", msgid=msgid, context=context, plural=plural)


def _compile(po: Path, mo: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with po.open("rb") as source:
        catalogue = read_po(source, locale=po.parts[-3], domain="django", abort_invalid=True)
    handle, temporary = tempfile.mkstemp(dir=mo.parent, suffix=".mo")
    with os.fdopen(handle, "wb") as target:
        write_mo(target, catalogue)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(mo)  # a reader sees the old file or the new one, never half of one
