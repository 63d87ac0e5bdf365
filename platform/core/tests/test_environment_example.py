"""`.env.example` names every variable that the settings read, with the true defaults."""

import ast
import re
from pathlib import Path
from typing import Any

from django.conf import settings

from core.embedded import DataFolder, find_data_folder

READ_BY_THE_COMMANDS = {"TONGDAO_DATA", "PORT"}
SHOWN_AS_AN_EXAMPLE = {
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "CSRF_TRUSTED_ORIGINS",
} | READ_BY_THE_COMMANDS


def variables_of_the_settings() -> dict[str, Any]:
    tree = ast.parse((Path(settings.ROOT) / "platform/config/settings.py").read_text())
    found = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "env":
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            found[ast.literal_eval(node.args[0])] = ast.literal_eval(default) if default else None
    return found


def variables_of_the_example() -> dict[str, str]:
    text = (Path(settings.ROOT) / ".env.example").read_text()
    return dict(re.findall(r"^#? ?([A-Z][A-Z_]+)=(.*)$", text, flags=re.MULTILINE))


def test_the_example_names_what_the_settings_read():
    assert variables_of_the_example().keys() == variables_of_the_settings().keys() | READ_BY_THE_COMMANDS


def test_the_example_shows_the_defaults():
    example = variables_of_the_example()
    for name, default in variables_of_the_settings().items():
        if name in SHOWN_AS_AN_EXAMPLE:
            continue
        said = ",".join(default) if isinstance(default, list) else str(default)
        assert example[name].lower() == said.lower(), name


def test_the_data_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TONGDAO_DATA", str(tmp_path / "elsewhere"))
    assert find_data_folder() == DataFolder(tmp_path / "elsewhere")
    monkeypatch.delenv("TONGDAO_DATA")
    assert find_data_folder() == DataFolder(Path(settings.ROOT) / ".local")
