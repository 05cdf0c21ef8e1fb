"""The rooms of the package: which may import which, and which library has one user only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import qa

PACKAGE = Path(qa.__file__).parent

ROOMS = (
    "types", "errors", "hardware", "config", "files", "drafts", "arrays", "text", "readers", "embedding",
    "index",
    "stores", "retrieval", "results", "indexing", "evaluation", "batch", "records", "news", "api", "web",
    "mcp", "cli",
)  # fmt: skip
"""The lowest first. A room imports only itself and the rooms before it."""

USERS = {
    "sqlite3": {
        "qa/index/store",
        "qa/index/filters.py",
        "qa/index/catalogue.py",
        "qa/indexing/ledger.py",
        "qa/stores/milvus/library.py",
    },
    "fcntl": {"qa/files.py"},
    "faiss": {"qa/index/dense"},
    "sentence_transformers": {"qa/embedding"},
    "onnxruntime": {"qa/embedding/export"},
    "openvino": {"qa/embedding/export"},
    "ray": {"qa/indexing/ray_workers.py"},
    "bm25s": {"qa/text/terms.py"},
    "ir_measures": {"qa/evaluation"},
    "scipy": {"qa/evaluation"},
    "pymilvus": {"qa/stores/milvus"},
    "grpc": {"qa/stores/milvus"},
    "tenacity": {"qa/stores/milvus"},
    "granian": {"qa/web/server"},
    "mcp": {"qa/mcp.py"},
    "uvicorn": {"qa/mcp.py"},
    "pypdfium2": {"qa/readers/pdf"},
    "simplemma": {"qa/index/lexical/real_words.py"},
    "trafilatura": {"qa/readers/html"},
    "tesserocr": {"qa/readers/recognition.py"},
    "xlsxwriter": {"qa/batch/workbook_writer.py"},
}
"""Libraries, each with the files or folders that alone import it."""

ENVIRONMENT = {
    "qa.config": {"XDG_CACHE_HOME"},  # and the settings' own variables, QA_*: only this module reads them
    "qa.readers.recognition": {"TESSDATA_PREFIX"},
    "qa.readers.sandbox.parent": {"OMP_THREAD_LIMIT"},
    "qa.indexing.ray_workers": {"RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"},
    "qa.cli.serve_command": {"PROMETHEUS_MULTIPROC_DIR"},
    "qa.web.server.metrics": {"PROMETHEUS_MULTIPROC_DIR"},
    "qa.web.server.native_memory": {"MALLOC_ARENA_MAX"},
    "qa.web.server.native_threads": {"OMP_NUM_THREADS"},
}
"""The modules that use the environment, each with the variables it names.

What a user can set is a setting, so that it has a type, a default and a page: ``config`` alone reads it. The
others use variables because a library takes them in no other way: it reads them when it is loaded.
"""


def _name(path: Path) -> str:
    return ".".join(("qa", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _imports(path: Path, *, late: bool = True) -> Iterator[str]:
    """Yield the names that a file imports; those of its functions only if ``late``."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if late else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_of(imported: str) -> str:
    """Return the module that an imported name is, or is defined in."""
    return imported if imported in MODULES else imported.rpartition(".")[0]


def _ours(path: Path, *, late: bool = True) -> set[str]:
    return {_module_of(name) for name in _imports(path, late=late) if name.split(".")[0] == "qa"}


def _room(module: str) -> str:
    return module.split(".")[1]


def test_every_module_stands_in_a_room() -> None:
    assert {_room(module) for module in MODULES if module not in {"qa", "qa.__main__"}} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_itself_and_lower_rooms(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    above = {
        (module, imported)
        for module, path in MODULES.items()
        if module.startswith((f"qa.{room}.", f"qa.{room}")) and _room(module) == room
        for imported in _ours(path)
        if imported != "qa" and _room(imported) not in allowed
    }
    assert not above


def test_modules_form_layers() -> None:
    """No module imports another that imports it in turn, however many stand between them."""
    TopologicalSorter(
        {module: _ours(path, late=False) - {module} for module, path in MODULES.items()}
    ).prepare()


@pytest.mark.parametrize("library", USERS)
def test_a_heavy_library_has_its_users_only(library: str) -> None:
    users = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in MODULES.values()
        if any(name.split(".")[0] == library for name in _imports(path))
    }
    strangers = {user for user in users if not any(user.startswith(room) for room in USERS[library])}
    unused = {room for room in USERS[library] if not any(user.startswith(room) for user in users)}
    assert not strangers
    assert not unused


def test_no_two_modules_share_a_name() -> None:
    names = [module.rpartition(".")[2] for module, path in MODULES.items() if path.name != "__init__.py"]
    assert sorted(names) == sorted(set(names))


def _bound(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names that a module binds, each with what it stands for."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, f"{_name(path)}:{node.name}"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            yield from ((name, f"{_name(path)}:{name}") for name in names)


def test_no_name_of_a_package_hides_one_of_its_modules() -> None:
    """Otherwise ``import qa.web.api.schemas as schemas`` would look for it in something else."""
    hidden = {
        f"{package}.{name}"
        for package, path in MODULES.items()
        if path.name == "__init__.py"
        for name, meaning in _bound(path)
        if f"{package}.{name}" in MODULES and meaning != f"{package}.{name}"
    }
    assert not hidden


def test_types_need_only_numpys_types() -> None:
    allowed = {"__future__", "collections", "dataclasses", "enum", "pathlib", "typing", "numpy"}
    assert {name.split(".")[0] for name in _imports(MODULES["qa.types"])} <= allowed


def test_the_environment_has_its_users_only() -> None:
    sources = {module: path.read_text("utf-8") for module, path in MODULES.items()}
    users = {module for module, source in sources.items() if "os.environ" in source or "getenv" in source}
    assert users == ENVIRONMENT.keys()
    for module, variables in ENVIRONMENT.items():
        assert all(f'"{variable}"' in sources[module] for variable in variables)
