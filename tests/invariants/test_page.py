"""docs/invariants.md says what the catalogue says."""

from tools.write_invariants import PAGE, write_page


def test_the_docs_are_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "run python tools/write_invariants.py"
