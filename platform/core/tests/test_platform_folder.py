"""platform/ is a shelf of packages. As a package it would hide Python's own module `platform`."""

import platform
import sysconfig
from pathlib import Path

from django.conf import settings


def test_platform_is_the_module_of_the_standard_library():
    assert platform.__file__.startswith(sysconfig.get_path("stdlib"))
    assert platform.python_implementation()


def test_platform_folder_holds_packages_only():
    shelf = Path(settings.ROOT) / "platform"
    assert not (shelf / "__init__.py").exists()
    assert list(shelf.glob("*.py")) == []
    packages = [place for place in shelf.iterdir() if place.is_dir() and place.name != "__pycache__"]
    assert [place.name for place in packages if not (place / "__init__.py").exists()] == []


def test_every_folder_of_tests_is_a_package():
    # Otherwise pytest makes up a module named `platform` for those on the shelf.
    floors = [
        Path(settings.ROOT) / name for name in ("platform", "merchants", "coupons", "providers", "tests")
    ]
    folders = {file.parent for floor in floors for file in floor.glob("**/test_*.py")}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").exists()) == []
