"""EPUB: the chapters in reading order."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, open_zip
from qa.readers.extract import Block, Extract, assemble
from qa.readers.grid import Grid
from qa.readers.html.article import decode_markup, parse
from qa.readers.html.blocks import blocks
from qa.readers.html.elements import local_name
from qa.readers.html.walking import text_of
from qa.readers.metadata import Facts
from qa.readers.safe_xml import parse_xml

_FIELDS = {
    "title": "title",
    "creator": "author",
    "publisher": "source",
    "date": "published",
    "language": "language",
    "source": "url",
}
_OUTDATED_TYPES = frozenset({"text/x-oeb1-document", "application/x-dtbook+xml"})
_CHAPTER_TYPES = _OUTDATED_TYPES | {"application/xhtml+xml", "text/html"}
_VAGUE_TYPES = frozenset({"", "text/xml", "application/xml", "application/html", "text/plain"})
_LEAST_LINKED = 0.5
"""The share of links in the text of a table of contents, at least. Chosen: page numbers may stand beside."""

_ROLE = "{http://www.idpf.org/2007/opf}role"
_EVENT = "{http://www.idpf.org/2007/opf}event"
_EVENTS_OF_PUBLICATION = frozenset({"publication", "original-publication", "issued"})
"""What a date of EPUB 2 may be of to count: others say when the file was made or changed."""


def read(data: bytes) -> Extract:
    """Read a book: its chapters, headings and metadata."""
    with open_zip(data, "an EPUB") as archive:
        package_path = _package_path(archive)
        package = _xml(archive, package_path)
        notes: list[str] = []
        chapters = list(_chapters(archive, package, posixpath.dirname(package_path), notes))
    text, headings, tables = assemble(chapters)
    return Extract(text, _facts(package), headings, tables=tables, notes=tuple(notes))


def _package_path(archive: zipfile.ZipFile) -> str:
    container = _xml(archive, "META-INF/container.xml")
    for element in container.iter():
        if local_name(element) == "rootfile" and element.get("full-path"):
            return str(element.get("full-path"))
    raise ReadError("is not an EPUB that can be opened: it names no package document")


def _member(archive: zipfile.ZipFile, path: str) -> bytes:
    try:
        return archive.read(path)
    except DAMAGED as error:
        raise ReadError(f"is not an EPUB that can be opened: {path} is missing or damaged") from error


def _xml(archive: zipfile.ZipFile, path: str) -> Any:
    from lxml import etree

    try:
        return parse_xml(_member(archive, path))
    except etree.XMLSyntaxError as error:
        raise ReadError(f"is not an EPUB that can be opened: {path}: {error}") from error


def _chapters(
    archive: zipfile.ZipFile, package: Any, folder: str, notes: list[str]
) -> Iterator[Block | Grid]:
    """Yield the chapters of the spine, each once. One that cannot be read is left out and noted."""
    contents = {_path(folder, guide) for guide in _named(package, "reference") if guide.get("type") == "toc"}
    seen: set[str] = set()
    for item in _spine(package, notes):
        path = _path(folder, item)
        media_type = _media_type(item)
        if path in seen or "nav" in item.get("properties", "").split():
            continue
        seen.add(path)
        if media_type not in _CHAPTER_TYPES:
            notes.append(f"chapter {path} was not read: it is of type {media_type}")
            continue
        if media_type in _OUTDATED_TYPES:
            notes.append(f"chapter {path} has an outdated type, {media_type}: it was read as XHTML")
        try:
            markup, damaged = decode_markup(_member(archive, path))
            root = parse(markup)
        except ReadError as error:
            notes.append(f"chapter {path} was not read: {error}")
            continue
        notes += (f"chapter {path}: {note}" for note in damaged)
        if path not in contents or not _is_list_of_links(root):
            yield from blocks(root, skipped=frozenset({"head"}))


def _named(package: Any, name: str) -> list[Any]:
    return [element for element in package.iter("{*}*") if local_name(element) == name]


def _spine(package: Any, notes: list[str]) -> Iterator[Any]:
    """Yield the items of the spine; for one of a foreign type, what the package names in its stead."""
    manifest = {item.get("id"): item for item in _named(package, "item")}
    for reference in _named(package, "itemref"):
        item = manifest.get(reference.get("idref"))
        if item is None:
            notes.append(f"a chapter was not read: the package has no item {reference.get('idref')!r}")
            continue
        tried: set[Any] = set()
        instead = item
        while instead is not None and _media_type(instead) not in _CHAPTER_TYPES and instead not in tried:
            tried.add(instead)
            instead = manifest.get(instead.get("fallback"))
        yield item if instead is None or instead in tried else instead


def _media_type(item: Any) -> str:
    """Return an item's type; that of XHTML for XML whose name says that it is a page."""
    media_type = str(item.get("media-type", "")).partition(";")[0].strip().lower()
    is_page = item.get("href", "").lower().endswith((".xhtml", ".html", ".htm"))
    return "application/xhtml+xml" if is_page and media_type in _VAGUE_TYPES else media_type


def _path(folder: str, item: Any) -> str:
    href = str(item.get("href", "")).partition("#")[0]
    return posixpath.normpath(posixpath.join(folder, unquote(href)))


def _is_list_of_links(root: Any) -> bool:
    """Whether a page holds little but links, as a table of contents does."""
    linked = sum(len(text_of(link)) for link in root.iter("{*}a"))
    return linked > _LEAST_LINKED * len(text_of(root, frozenset({"head"})))


def _facts(package: Any) -> Facts:
    values: dict[str, list[str]] = {}
    roles = {
        meta.get("refines", "").lstrip("#"): text_of(meta)
        for meta in _named(package, "meta")
        if meta.get("property") == "role"
    }
    for element in package.iter("{*}*"):
        field = _FIELDS.get(local_name(element))
        is_other = element.get(_EVENT, "publication") not in _EVENTS_OF_PUBLICATION or (
            field == "author" and roles.get(element.get("id"), element.get(_ROLE, "aut")) != "aut"
        )
        if field and element.tag.startswith("{http://purl.org/dc/elements/1.1/}") and not is_other:
            values.setdefault(field, []).append(text_of(element))
    facts = Facts()
    for field, texts in values.items():
        facts.add(field, texts if field == "author" else texts[0], "file")
    return facts
