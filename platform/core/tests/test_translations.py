"""Every text a person can meet exists in Chinese, and says the same thing."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation

from core import translations
from core.translations import Entry, catalogues, compile_all, extract, find_missing

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def messages() -> Iterator[tuple[str, Message]]:
    for po in catalogues():
        with po.open("rb") as source:
            for message in read_po(source):
                if message.id:
                    yield str(po.relative_to(settings.ROOT)), message


def test_every_text_has_a_chinese_translation() -> None:
    compile_all()

    missing = [f"{entry.place}: {entry.msgid!r}" for entry in find_missing()]

    assert missing == [], "manage.py compile_translations --missing prints them as po entries"


def test_texts_are_found_in_code_and_templates() -> None:
    found = {entry.msgid: entry for entry in extract()}

    assert found["Simplified Chinese"].place.startswith("platform/config/settings.py:")
    assert found["Skip to the content"].place.startswith("templates/base.html:")
    assert found["%(counter)s thing to correct"].plural == "%(counter)s things to correct"


def test_a_missing_translation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Entry(place="somewhere.py:1", msgid="A sentence nobody translated yet")
    known = Entry(place="somewhere.py:2", msgid="Sign in")
    monkeypatch.setattr(translations, "extract", lambda: {nowhere, known})

    assert find_missing() == [nowhere]


def test_catalogues_have_nothing_fuzzy_empty_or_twice() -> None:
    seen: set[tuple[str, object, object]] = set()
    for po, message in messages():
        assert not message.fuzzy, (po, message.id)
        assert all(message.string if isinstance(message.string, tuple) else [message.string]), (
            po,
            message.id,
        )
        assert (po, message.context, message.id) not in seen
        seen.add((po, message.context, message.id))
    assert seen


def test_placeholders_are_kept() -> None:
    for po, message in messages():
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        targets = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = {name for source in sources for name in PLACEHOLDER.findall(source)}
        for target in targets:
            assert set(PLACEHOLDER.findall(target)) == wanted, (po, message.id)


# Texts that Django or allauth have too, which we say our own way wherever they appear.
OUR_OWN_WAY = {
    *("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),  # 周一, not 星期一: they stand in tables
    *("English", "Filter", "Order", "Phone", "Show all", "Two-Factor Authentication"),
}


def test_one_text_has_one_translation() -> None:
    """All catalogues are one to Django: "Code" as 券码 would also name the code of the second sign-in step.

    Give the text a context (pgettext, {% translate … context … %}) where its meanings differ.
    """
    said: dict[tuple[object, object], set[tuple[str, object]]] = {}
    for po, message in [*messages(), *messages_of_packages()]:
        if isinstance(message.id, str) and message.id in OUR_OWN_WAY and po.startswith("package"):
            continue
        key = (message.context, tuple(message.id) if isinstance(message.id, list | tuple) else message.id)
        said.setdefault(key, set()).add((po, str(message.string)))
    ours = {(message.context, message.id) for _po, message in messages()}

    torn = {
        key: places for key, places in said.items() if key in ours and len({text for _, text in places}) > 1
    }
    assert torn == {}


def messages_of_packages() -> Iterator[tuple[str, Message]]:
    packages = Path(django.__file__).parents[1]
    for place in ("django/conf", "django/contrib/admin", "django/contrib/auth", "allauth"):
        with (packages / place / "locale/zh_Hans/LC_MESSAGES/django.mo").open("rb") as source:
            for message in read_mo(source):
                if message.id:
                    yield f"package {place}", message


def test_catalogue_is_compiled_when_it_is_newer(tmp_path: Path, settings: object) -> None:
    folder = tmp_path / "surface" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    po = folder / "django.po"
    po.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Coupon of the test"\nmsgstr "券"\n'
    )
    settings.LOCALE_PATHS = [tmp_path / "surface"]

    assert compile_all() == [folder / "django.mo"]
    assert compile_all() == []
    with translation.override("zh-hans"):
        assert translation.gettext("Coupon of the test") == "券"
    po.write_text(po.read_text().replace("券", "优惠券"))
    later = (folder / "django.mo").stat().st_mtime + 5
    os.utime(po, (later, later))
    assert compile_all() == [folder / "django.mo"]
    with translation.override("zh-hans"):  # in the same process
        assert translation.gettext("Coupon of the test") == "优惠券"
    assert [path.name for path in folder.iterdir() if path.suffix not in {".po", ".mo"}] == []
