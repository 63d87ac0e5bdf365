"""The forms of a page as a browser would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)  # what would be sent untouched
    choices: dict[str, set[str]] = field(default_factory=dict)  # everything a field offers


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        if tag == "form":
            self._form = Form(given.get("action") or "", (given.get("method") or "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "select":
            self._select = name
            self._form.choices.setdefault(name, set())
        elif tag == "option" and self._select:
            self._form.choices[self._select].add(value)
            if "selected" in given:
                self._form.values.setdefault(self._select, []).append(value)
        elif tag == "textarea":
            self._textarea = name
            self._form.values[name] = [""]
        elif tag == "input" and name:
            kind = given.get("type") or "text"
            self._form.choices.setdefault(name, set()).add(value)
            if kind not in ("checkbox", "radio", "submit", "button", "file") or "checked" in given:
                self._form.values.setdefault(name, []).append(value or "on" * (kind == "checkbox"))

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form:
            self._form.values[self._textarea][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


def read_forms(html: str) -> list[Form]:
    reader = _Reader()
    reader.feed(html)
    return reader.forms
