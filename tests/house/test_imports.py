"""import-linter holds the floors and the rooms: an import planted the wrong way round is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("core", "registry", "finance", "grants", "projects", "evaluation", "app")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The contracts, over a house with a few empty rooms."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    rooms = ("core/audit", "core/web", "registry/agencies", "registry/persons", "finance/ledger", "app/home")
    for folder in (*FLOORS, *rooms):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
    return tmp_path


def test_a_house_with_imports_downwards_passes(house: Path) -> None:
    (house / "registry/persons/services.py").write_text("import registry.agencies\nimport core.web\n")
    (house / "app/home/routes.py").write_text("import finance.ledger\n")
    found = lint_imports(house)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/audit/services.py", "import registry.persons", "Floors"),
        ("registry/agencies/services.py", "from finance import ledger", "Floors"),
        ("registry/agencies/services.py", "import registry.persons", "Rooms of registry"),
        ("core/audit/services.py", "import core.web", "Rooms of core"),
        ("core/audit/services.py", "def late():\n    import core.web", "Rooms of core"),
    ],
)
def test_an_import_upwards_is_found(house: Path, file: str, line: str, contract: str) -> None:
    (house / file).write_text(line + "\n")
    found = lint_imports(house)
    assert found.returncode != 0
    assert f"{contract} BROKEN" in found.stdout


def test_a_room_without_a_place_is_found(house: Path) -> None:
    (house / "finance/helpers").mkdir()
    (house / "finance/helpers/__init__.py").touch()
    found = lint_imports(house)
    assert found.returncode != 0
    assert "Rooms of finance BROKEN" in found.stdout


def test_the_contracts_name_every_floor() -> None:
    contracts = (ROOT / ".importlinter").read_text()
    for floor in FLOORS:
        assert f"[importlinter:contract:{floor}]" in contracts
