"""The house as a whole: what it exports, and what it does not import."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import cisgram

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(cisgram.__file__).parent
ROOMS = sorted(m.name for m in pkgutil.iter_modules([str(SOURCE)]) if m.ispkg)
HEAVY = {"torch", "pandas", "scipy", "sklearn", "accelerate"}


def loaded_by(code: str) -> set[str]:
    """Packages in the memory of a fresh process after it ran ``code``."""
    program = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("room", ["core", "seq", "motifs", "io"])
def test_rooms_without_a_network_start_without_torch(room):
    loaded = loaded_by(f"import cisgram.{room}")
    assert "cisgram" in loaded
    assert not loaded & {"torch", "pandas"}


def test_every_module_of_core_but_the_array_types_starts_without_torch():
    modules = [f"cisgram.core.{m.stem}" for m in (SOURCE / "core").glob("[!_]*.py")]
    modules.remove("cisgram.core.types")
    assert len(modules) >= 8
    assert not loaded_by(f"import {', '.join(modules)}") & HEAVY


def test_the_server_starts_without_what_draws_and_what_computes():
    loaded = loaded_by("import cisgram.dashboard, cisgram.dashboard.server")
    assert "uvicorn" in loaded
    assert not loaded & (HEAVY | {"numpy"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "from cisgram.cli.main import cli\n"
        f"cli.main({arguments!r}, prog_name='cisgram', standalone_mode=False)"
    )
    loaded = loaded_by(code)
    assert "click" in loaded
    assert not loaded & (HEAVY | {"numpy", "pydantic", "jinja2"})


def test_the_executable_is_installed_and_helps():
    command = Path(sys.executable).with_name("cisgram")
    if not command.is_file():
        pytest.skip("cisgram is not installed beside this Python")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "cisgram demo" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_exports_is_there_and_explained(room):
    module = importlib.import_module(f"cisgram.{room}")
    assert (module.__doc__ or "").strip()
    exported = getattr(module, "__all__", [])
    assert list(exported) == sorted(set(exported), key=_order)
    for name in exported:
        thing = getattr(module, name)
        if callable(thing) and hasattr(thing, "__module__"):
            assert (thing.__doc__ or "").strip(), f"{room}.{name} has no docstring"


def _order(name: str) -> tuple[int, str]:
    """As ruff sorts ``__all__``: constants, classes, the rest."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize(
    ("folder", "room", "table"),
    [("models/zoo", "models", "MODELS"), ("explain/methods", "explain", "METHODS")],
)
def test_every_file_of_the_zoo_and_of_the_methods_is_exported_and_registered(folder, room, table):
    names = {p.stem for p in (SOURCE / folder).glob("[!_]*.py")}
    assert names
    inner = importlib.import_module(f"cisgram.{folder.replace('/', '.')}")
    assert names == set(inner.__all__)
    module = importlib.import_module(f"cisgram.{room}")
    registered = {entry.fn.__name__ for entry in getattr(module, table).values()}
    assert names == registered
    if room == "explain":  # explain.ism(model, x); a model of the zoo is made by its name
        assert names <= set(module.__all__)


def test_every_file_of_the_page_is_a_section_in_its_place():
    from cisgram.report import sections
    from cisgram.report.section import SECTIONS

    names = {p.stem for p in (SOURCE / "report" / "sections").glob("[!_]*.py")}
    assert (
        names
        == set(sections.__all__)
        == {e.fn.__module__.split(".")[-1] for e in SECTIONS.values()}
    )
    places = [e.facts["place"] for e in SECTIONS.values()]
    assert len(set(places)) == len(places)


def test_every_reference_that_the_page_may_name_is_written_out():
    from cisgram.explain import METHODS
    from cisgram.models import MODELS
    from cisgram.report.references import REFERENCES
    from cisgram.report.sections.cite import REGIMES, TRUSTED

    for entry in [*METHODS.values(), *MODELS.values()]:
        assert entry.facts["cite"] in REFERENCES, entry.name

    for table, _, keys in TRUSTED:
        assert {*keys} <= {*REFERENCES}, table
    assert {key for *_, key in REGIMES} <= {*REFERENCES}


def test_the_tables_of_the_documentation_are_made():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "learning_rate=0.02, weight_decay=0.3, decay=late" in done.stdout


def test_every_decision_stands_in_the_list_of_the_documentation():
    listed = re.findall(r"^adr/(\S+)$", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE)
    there = {p.stem for p in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert set(listed) == there


def test_scores_have_one_name_each_on_pages_in_lists_and_in_live_views():
    from cisgram.dashboard import refusals
    from cisgram.report import text

    lines = (ROOT / "frontend" / "src" / "live" / "fields.ts").read_text().splitlines()
    table = lines[lines.index("const NAMES: Record<string, string> = {") + 1 :]
    found = [re.fullmatch(r"  (\w+): (\".*\"),", line) for line in table[: table.index("};")]]
    live = {m[1]: json.loads(m[2]) for m in found}
    both = live.keys() & text.TITLES.keys()
    assert {"auroc", "r2", "spearman"} <= both
    assert {key: live[key] for key in both} == {key: text.TITLES[key] for key in both}
    assert refusals.TITLES.items() <= live.items()


def test_every_room_has_its_place_in_the_one_direction():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    placed = [room.strip() for layer in contract["layers"] for room in layer.split("|")]
    assert sorted(placed) == ROOMS


def test_the_library_imports_only_what_it_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {_name(d) for d in project["dependencies"]}
    imported: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").split(".")[0])
    imported -= {*sys.stdlib_module_names, "cisgram"}
    modules = {"scikit_learn": "sklearn"}
    brought = {"markupsafe", "h11"}  # by Jinja2, by uvicorn
    read = {"pyjaspar"}  # its database is opened as a file, its code never runs
    assert imported - brought | read == {modules.get(d, d) for d in declared}


def test_every_dependency_has_a_pinned_version_and_a_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {_name(d) for d in project["dependencies"]}
    for extra in project["optional-dependencies"].values():
        asked |= {_name(d) for d in extra}
    pins = [
        line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] not in "#"
    ]
    assert all(line.count("==") == 1 and "+" not in line for line in pins)
    assert asked - {"cisgram"} <= {_name(line) for line in pins}
    reasons = (ROOT / "docs" / "adr" / "0001-what-we-build-on.md").read_text()
    for name in asked - {"cisgram"}:
        assert name in reasons.lower().replace("-", "_"), f"{name} has no reason in ADR 1"


def _name(requirement: str) -> str:
    """Name of a requirement, in one spelling."""
    end = next((i for i, c in enumerate(requirement) if c in "[<>=!~ ;"), len(requirement))
    return requirement[:end].lower().replace("-", "_")
