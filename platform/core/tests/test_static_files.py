"""What we serve is what we recorded, and a page never calls another house."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

VENDOR = settings.ROOT / "static" / "vendor"
RECORDS = json.loads((VENDOR / "VENDOR.json").read_text())
# src, href, url(), import, fetch of http(s):// or //host; namespaces and comments are no calls.
OUTSIDE = re.compile(
    r"""(?:src|href|action|hx-get|hx-post)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|(?:import|fetch)\b[^;\n]*["'](?:https?:)?//"""
)
# Links a person follows on purpose.
LEADS_OUT = ("https://uri.amap.com/",)


def ours() -> list[Path]:
    kept = {".html", ".css", ".js", ".svg", ".txt"}
    folders = (settings.ROOT / "templates", settings.ROOT / "static")
    return [
        p
        for folder in folders
        for p in sorted(folder.rglob("*"))
        if p.suffix in kept and VENDOR not in p.parents
    ]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["file"])
def test_vendored_file_is_the_recorded_one(record: dict[str, str]) -> None:
    content = (VENDOR / record["file"]).read_bytes()

    assert hashlib.sha256(content).hexdigest() == record["sha256"]
    assert b"sourceMappingURL" not in content
    assert record["licence"] in {"MIT", "0BSD", "Apache-2.0"}


def test_every_vendored_file_is_recorded() -> None:
    assert {p.name for p in VENDOR.iterdir()} - {"VENDOR.json"} == {record["file"] for record in RECORDS}


@pytest.mark.parametrize("path", ours(), ids=lambda path: str(path.relative_to(settings.ROOT)))
def test_file_of_ours_calls_no_outside_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in LEADS_OUT:
        text = text.replace(link, "/")

    assert not OUTSIDE.search(text)


@pytest.mark.parametrize(
    "path", [p for p in ours() if p.suffix == ".html"], ids=lambda path: str(path.relative_to(settings.ROOT))
)
def test_template_has_nothing_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:", text)
    for opening in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in opening or 'type="application/json"' in opening


def test_icons_used_in_templates_exist() -> None:
    sprite = (VENDOR / "icons.svg").read_text()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = {
        name
        for path in ours()
        if path.suffix == ".html"
        for name in re.findall(r'{% icon "([^"]+)"', path.read_text(encoding="utf-8"))
    }

    assert used - drawn == set()
