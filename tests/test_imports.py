"""Who may import whom, as DESIGN.md has it, and which library has one user only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import qa

PACKAGE = Path(qa.__file__).parent

_PARTS = {
    "analysis",
    "arrays",
    "interaction",
    "readers",
    "passages",
    "embedding",
    "vectors",
    "lexical",
    "store",
    "ranking",
    "language",
    "generation",
}
MAY_IMPORT = {
    "contracts": set(),
    "caching": set(),
    "config": {"contracts"},
    "readers": {"contracts"},
    "passages": {"contracts"},
    "arrays": {"contracts"},
    "sample": set(),
    "embedding": {"arrays", "contracts", "config", "sample"},
    "interaction": {"arrays", "contracts", "sample"},
    "vectors": {"arrays", "contracts"},
    "analysis": {"contracts"},
    "postings": {"arrays", "contracts"},
    "shingles": {"arrays", "contracts"},
    "lexical": {"analysis", "arrays", "contracts", "postings", "shingles"},
    "language": {"analysis", "contracts"},
    "folding": set(),
    "store": {"caching", "contracts", "folding"},
    "ranking": {"arrays", "contracts"},
    "files": {"contracts"},
    "folder": {"contracts", "files", "readers"},
    "reading": {"contracts", "readers"},
    "generation": {"arrays", "contracts", "interaction", "store", "vectors", "lexical"},
    "ledger": {"contracts", "generation"},
    "milvus": {
        "arrays",
        "caching",
        "contracts",
        "folding",
        "generation",
        "interaction",
        "lexical",
        "postings",
        "shingles",
    }
    | {"store", "vectors"},
    "lock": {"contracts"},
    "safeguard": {"config", "contracts", "folder", "generation", "ledger"},
    "vector_cache": {"contracts", "embed", "shards"},
    "retention": {"contracts", "generation", "lock", "vector_cache"},
    "forget": {
        "config",
        "contracts",
        "folder",
        "generation",
        "ledger",
        "lock",
        "retention",
        "shards",
        "store",
    }
    | {"vector_cache"},
    "backup": {"calibration", "config", "contracts", "generation", "ledger"},
    "published": {"calibration", "config", "contracts", "corpus", "generation", "milvus"},
    "corpus": {"contracts", "generation", "interaction", "lexical"},
    "evidence": {
        "analysis",
        "arrays",
        "contracts",
        "corpus",
        "interaction",
        "language",
        "lexical",
        "ranking",
    },
    "embed": {"arrays", "contracts", "generation", "interaction", "vectors"},
    "documents": {"analysis", "contracts", "folder", "language", "passages", "reading", "store"},
    "work": {
        "contracts",
        "documents",
        "embed",
        "interaction",
        "lexical",
        "passages",
        "readers",
        "store",
        "vectors",
    },
    "shards": {"arrays", "contracts", "embed"},
    "cluster": {"config", "contracts", "documents", "embed", "embedding", "folder", "reading", "shards"}
    | {"store", "work"},
    "reranking": {"contracts", "embedding"},
    "calibration": {"arrays", "contracts", "evidence", "generation", "ranking"},
    "search": {
        "caching",
        "contracts",
        "config",
        "calibration",
        "corpus",
        "evidence",
        "published",
        "reranking",
    }
    | _PARTS - {"readers"},
    "build": {"cluster", "contracts", "config", "documents", "embed", "folder", "ledger", "reading", "shards"}
    | {"lock", "retention", "safeguard", "vector_cache", "work"}
    | _PARTS - {"ranking", "language"},
    "rendering": {"contracts", "readers"},
    "web": {"contracts", "config", "files", "folding", "ledger", "rendering", "search"},
    "evaluation": {"contracts", "search"},
}
"""By module. One that is not named here, such as ``cli``, may import any."""

USERS = {
    "sqlite3": {"store", "ledger"},  # a file each
    "faiss": {"vectors"},
    "sentence_transformers": {"embedding"},
    "onnxruntime": {"embedding"},
    "openvino": {"embedding"},
    "ray": {"cluster"},
    "bm25s": {"analysis"},
    "ir_measures": {"evaluation"},
    "scipy": {"evaluation"},
    "pymilvus": {"milvus"},
    "grpc": {"milvus"},
    "tenacity": {"milvus"},
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules() -> dict[str, set[str]]:
    """Give what each top module imports, by its own name."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        top = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found.setdefault(top, set()).update(_imports(path))
    return found


def _ours(imported: set[str]) -> set[str]:
    parts = {name.split(".")[1] for name in imported if name.startswith("qa.")}
    return {part for part in parts if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()}


MODULES = _modules()


@pytest.mark.parametrize("module", sorted(MODULES.keys() & MAY_IMPORT.keys()))
def test_a_module_imports_only_what_it_may(module: str) -> None:
    assert _ours(MODULES[module]) - {module} <= MAY_IMPORT[module]


def test_only_the_edges_may_import_any() -> None:
    assert MODULES.keys() - MAY_IMPORT.keys() <= {"__init__", "__main__", "cli", "watch"}
    assert {"contracts", "store", "search", "build", "web"} <= MODULES.keys()


@pytest.mark.parametrize("library", USERS)
def test_a_heavy_library_has_its_users_only(library: str) -> None:
    users = {
        name for name, imported in MODULES.items() if any(part.split(".")[0] == library for part in imported)
    }
    assert users == USERS[library]


def test_contracts_need_only_numpys_types() -> None:
    assert {name.split(".")[0] for name in MODULES["contracts"]} <= {
        "__future__", "collections", "dataclasses", "enum", "pathlib", "typing", "numpy",
    }  # fmt: skip


def test_only_config_reads_the_environment() -> None:
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "os.environ" in path.read_text("utf-8") or "getenv" in path.read_text("utf-8")
    }
    assert readers == {"config.py"}
