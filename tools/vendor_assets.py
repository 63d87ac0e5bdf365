#!/usr/bin/env python3
"""Copies the front-end libraries we ship into static/vendor/ and records where each came from.

Run by a developer who has npm, only to raise a version; nobody needs it to run or test Tongdao.

    python tools/vendor_assets.py
"""

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "static" / "vendor"

# package, version, licence, {path inside the package: name under static/vendor/}
PACKAGES: list[tuple[str, str, str, dict[str, str]]] = [
    (
        "@tabler/core",
        "1.6.1",
        "MIT",
        {"dist/css/tabler.min.css": "tabler.min.css", "dist/js/tabler.min.js": "tabler.min.js"},
    ),
    ("htmx.org", "2.0.11", "0BSD", {"dist/htmx.min.js": "htmx.min.js"}),
    ("echarts", "6.1.0", "Apache-2.0", {"dist/echarts.common.min.js": "echarts.common.min.js"}),
    (
        "zxing-wasm",
        "3.1.4",
        "MIT",
        {
            "dist/iife/reader/index.js": "zxing-reader.js",
            "dist/reader/zxing_reader.wasm": "zxing_reader.wasm",
        },
    ),
    ("sortablejs", "1.15.7", "MIT", {"Sortable.min.js": "sortable.min.js"}),
]
ICONS = ("@tabler/icons", "3.51.0", "MIT", "icons.svg")


def main() -> None:
    VENDOR.mkdir(parents=True, exist_ok=True)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        for package, version, licence, files in PACKAGES:
            archive = download(package, version, Path(folder))
            for inside, name in files.items():
                content = without_source_map(read_member(archive, inside), name)
                records.append(write(name, content, package, version, licence))
        package, version, licence, name = ICONS
        archive = download(package, version, Path(folder))
        records.append(write(name, build_sprite(archive), package, version, licence))
    (VENDOR / "VENDOR.json").write_text(json.dumps(records, indent=2) + "\n")
    print(f"{len(records)} files in {VENDOR.relative_to(ROOT)}")


def download(package: str, version: str, folder: Path) -> Path:
    """The package's archive as npm serves it; npm checks its integrity."""
    before = set(folder.iterdir())
    subprocess.run(  # noqa: S603 - fixed names from the table above
        ["npm", "pack", "--silent", f"{package}@{version}"],  # noqa: S607 - the developer's own npm
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (archive,) = set(folder.iterdir()) - before
    return archive


def read_member(archive: Path, inside: str) -> bytes:
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{inside}")
        if member is None:
            raise SystemExit(f"{archive.name} has no {inside}")
        return member.read()


def without_source_map(content: bytes, name: str) -> bytes:
    """Drops the sourceMappingURL line: the maps are not shipped and hashed static files would look for them."""
    if name.endswith(".css"):
        return re.sub(rb"\n?/\*# sourceMappingURL=[^*]*\*/\s*$", b"\n", content)
    if name.endswith(".js"):
        return re.sub(rb"\n?//# sourceMappingURL=\S*\s*$", b"\n", content)
    return content


def build_sprite(archive: Path) -> bytes:
    """One SVG of <symbol>s for the icons named in tools/icons.txt."""
    symbols = []
    for name in sorted((ROOT / "tools" / "icons.txt").read_text().split()):
        drawing = read_member(archive, f"icons/outline/{name}.svg").decode()
        paths = [
            p for p in re.findall(r"<(?:path|circle|rect|line)[^>]*?/>", drawing) if "M0 0h24v24H0z" not in p
        ]
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(paths)}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def write(name: str, content: bytes, package: str, version: str, licence: str) -> dict[str, str]:
    (VENDOR / name).write_bytes(content)
    return {
        "file": name,
        "package": package,
        "version": version,
        "licence": licence,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


if __name__ == "__main__":
    main()
