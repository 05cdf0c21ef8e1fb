"""Files that no reader likes, made by code: some four hundred, each with what may become of it."""

from __future__ import annotations

import io
import os
import random
import re
import socket
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from readers.samples import CONTAINER, PACKAGE, XHTML, make_docx, make_epub, make_pdf

from qa.readers import SUFFIXES

Make = bytes | str | Callable[[Path], None]

OK, FAILED = frozenset({"indexed", "partly"}), frozenset({"failed"})
ANY = OK | FAILED
TEXTS = (".txt", ".text", ".md", ".markdown")
MARKER = "Zanzibar"
"""A word of every good text here: where a file is indexed and holds it, it must be found again."""


@dataclass(frozen=True)
class Case:
    """A file: what is in it, which states it may come to, and what the reason must say then."""

    path: str
    make: Make
    states: frozenset[str] = ANY
    reason: str = ""
    text: str | None = None
    beside: dict[str, bytes] = field(default_factory=dict)


def cases(*, quick: bool) -> list[Case]:
    """Give all, each with a path of its own, or those that take seconds together."""
    made_cases = [case for make in (QUICK if quick else QUICK + SLOW) for case in make()]
    assert len({case.path for case in made_cases}) == len(made_cases)
    return made_cases


def _said(more: str = "") -> str:
    return f"{MARKER} is an island with cloves and much trade. {more}".strip()


def _empty() -> Iterator[Case]:
    for suffix in SUFFIXES:
        yield Case(f"empty/a{suffix}", b"", FAILED)
        yield Case(f"spaces/a{suffix}", b" \n\t\r\n ", FAILED)
        yield Case(f"nul/a{suffix}", b"\0" * 999, FAILED)
        yield Case(
            f"nul/in{suffix}", _said().encode() + b"\0" + _said().encode(), FAILED if suffix in TEXTS else ANY
        )


def _foreign() -> Iterator[Case]:
    """Give what is something else than its name says."""
    chance = random.Random(1)
    contents = {
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + chance.randbytes(900),
        "gzip": b"\x1f\x8b\x08\0" + chance.randbytes(900),
        "elf": b"\x7fELF\2\1\1\0" + chance.randbytes(900),
        "noise": chance.randbytes(5000),
    }
    for kind, data in contents.items():
        for suffix in SUFFIXES:
            yield Case(f"foreign/{kind}{suffix}", data, FAILED)
    office = {"docx": make_docx(), "epub": make_epub("<p>x</p>"), "pdf": make_pdf([(72, 700, "x")])}
    for kind, data in office.items():
        for suffix in (".pdf", ".docx", ".epub"):
            if suffix != f".{kind}":
                yield Case(f"foreign/{kind}{suffix}", data, FAILED, "is not an? (PDF|DOCX|EPUB)")


def _damaged() -> Iterator[Case]:
    chance = random.Random(2)
    whole = {
        "pdf": make_pdf([(72, 700, _said())], [(72, 700, _said("Page two."))]),
        "docx": make_docx(lambda document: document.add_paragraph(_said())),
        "epub": make_epub(f"<p>{_said()}</p>"),
    }
    for kind, data in whole.items():
        for part in range(1, 12):
            cut = data[: len(data) * part // 12]
            yield Case(f"cut/{part}.{kind}", cut, ANY if kind == "pdf" else FAILED)
        for number in range(12):
            flipped = bytearray(data)
            for _ in range(number + 1):
                flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            yield Case(f"flipped/{number}.{kind}", bytes(flipped))
        yield Case(f"after/a.{kind}", data + b"\n" + chance.randbytes(300))


def _encodings() -> Iterator[Case]:
    cyrillic = "Министр иностранных дел прибыл в Пномпень с двухдневным визитом и встретился с ним. " * 3
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "cp1251", "koi8-r", "cp866"):
        text = cyrillic if encoding != "utf-16-le" else _said()
        yield Case(f"encoding/{encoding}.txt", text.encode(encoding), OK, text=text)
    for name, data in {
        "mixed": cyrillic.encode() + cyrillic.encode("cp1251"),
        "one byte": cyrillic.encode() + b"\xff" + cyrillic.encode(),
        "cut": cyrillic.encode()[:-3] + b"\xd0",
        "overlong": cyrillic.encode() + b"\xc0\xaf\xe0\x80\xaf",
        "surrogate": cyrillic.encode() + b"\xed\xa0\x80",
        "utf-16 surrogate": "\ufeff".encode("utf-16-le") + b"\x00\xd8a\0",
        "utf-16 odd": "\ufeff".encode("utf-16-le") + b"a\0b",
        "utf-32 beyond": b"\xff\xfe\0\0\0\0\x11\0",
        "marked utf-8": b"\xef\xbb\xbf" + cyrillic.encode("cp1251"),
        "controls": bytes(range(1, 32)) * 20 + b"\xe9",
    }.items():
        damaged = frozenset({"partly"}) if name in {"one byte", "cut"} else FAILED
        yield Case(f"encoding/{name}.txt", data, damaged)


def _characters() -> Iterator[Case]:
    """Give texts of odd characters, which stay as they are."""
    texts = {
        "bidi": f"\u202e{_said()}\u202c \u2066abc\u2069 \u200f",
        "zero width": "\u200b\u200c\u200d\ufeff".join(_said()),
        "marks": "a" + "\u0301" * 5000 + f" {_said()}",
        "line separators": f"{_said()}\u2028{_said()}\u2029{_said()}\x85{_said()}",
        "mark within": f"{_said()} \ufeff {_said()}",
        "private": f"\ue000\uf8ff\U000f0000 {_said()}",
        "noncharacters": f"\ufffe\uffff\U0010ffff {_said()}",
        "emoji": f"👩‍👩‍👧‍👦🏳️‍🌈🇰🇭 {_said()}",
        "tags": f"🏴\U000e0067\U000e0062\U000e007f {_said()}",
        "controls": f"\x01\x02\x1b[2J\x07 {_said()}",
        "line ends": f"{_said()}\r{_said()}\n\r{_said()}\r\n\r\n{_said()}\x0b\x0c{_said()}",
        "escapes": f"<script>alert(1)</script> {{{{ 7*7 }}}} ${{jndi:ldap://x}} '; DROP TABLE x; {_said()}",
        "one letter": "a",
        "no spaces": MARKER * 500,
        "one long line": _said() * 2_000,
        "khmer": "ប្រទេសកម្ពុជាមានទំនាក់ទំនងល្អជាមួយប្រទេសជិតខាង។ " * 20,
    }
    for name, text in texts.items():
        yield Case(f"characters/{name}.txt", text, OK, text=text)
        yield Case(f"characters/{name}.md", text, OK, text=text)
    for name, text in {
        "invisible": "\u200b" * 99,
        "punctuation": ".,;:!? " * 99,
        "separators": "\u2028" * 99,
    }.items():
        yield Case(f"characters/{name}.txt", text)
    yield Case(
        "characters/200 MB.txt", lambda path: path.write_bytes(b"a" * 200_000_000), FAILED, "20 million"
    )


def _laughs(root: str, inside: str) -> str:
    entities = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(12))
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY l0 "ha">{entities}]>{inside}'


def _outside(root: str, inside: str, address: str) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY l12 SYSTEM "{address}">]>{inside}'


def _xml() -> Iterator[Case]:
    """Give entities that grow or that lead outside, and elements nested deep, wherever XML is parsed."""
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = (
        f"<w:document {w}><w:body><w:p><w:r><w:t>{_said()} &l12;</w:t></w:r></w:p></w:body></w:document>"
    )
    page = XHTML.format(f"<p>{_said()} &l12;</p>")
    deep = 200_000
    for name, make in {
        "laughs": _laughs,
        "file": lambda root, inside: _outside(root, inside, "file:///etc/passwd"),
        "net": lambda root, inside: _outside(root, inside, "http://192.0.2.1/x"),
    }.items():
        yield Case(
            f"xml/{name}.docx", _changed(make_docx(), {"word/document.xml": make("w:document", document)})
        )
        yield Case(
            f"xml/{name} styles.docx", _changed(make_docx(), {"word/styles.xml": make("w:styles", document)})
        )
        core = "<coreProperties>&l12;</coreProperties>"
        yield Case(
            f"xml/{name} core.docx",
            _changed(make_docx(), {"docProps/core.xml": make("coreProperties", core)}),
        )
        yield Case(
            f"xml/{name}.epub",
            _changed(make_epub("<p>x</p>", "<p>y</p>"), {"OEBPS/text/one .xhtml": make("html", page)}),
        )
        opf = PACKAGE.replace('<?xml version="1.0"?>', "").replace("A Book", "&l12;")
        yield Case(f"xml/{name} package.epub", make_epub(f"<p>{_said()}</p>", package=make("package", opf)))
        box = CONTAINER.replace('<?xml version="1.0"?>', "").replace("OEBPS/book.opf", "&l12;")
        yield Case(
            f"xml/{name} container.epub",
            _changed(make_epub("<p>x</p>"), {"META-INF/container.xml": make("container", box)}),
        )
        yield Case(f"xml/{name}.xhtml", make("html", page))
        yield Case(f"xml/{name}.html", make("html", page))
    nested = f"<w:document {w}><w:body>{'<w:sdt>' * deep}{'</w:sdt>' * deep}</w:body></w:document>"
    yield Case("xml/deep.docx", _changed(make_docx(), {"word/document.xml": nested}))
    for suffix in ("html", "xhtml"):
        yield Case(f"xml/deep.{suffix}", XHTML.format("<div>" * deep + _said() + "</div>" * deep))
    yield Case("xml/deep.epub", make_epub("<div>" * deep + _said() + "</div>" * deep))
    yield Case("xml/attributes.html", f"<p {' '.join(f'a{i}=x' for i in range(100_000))}>{_said()}</p>", ANY)


def _changed(archive: bytes, members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, members.get(name, old.read(name)))
        for name in members.keys() - set(old.namelist()):
            new.writestr(name, members[name])
    return buffer.getvalue()


def _zips() -> Iterator[Case]:
    for kind, whole in {"docx": make_docx(), "epub": make_epub(f"<p>{_said()}</p>")}.items():
        main = "word/document.xml" if kind == "docx" else "OEBPS/text/one .xhtml"
        bomb, lies = partial(_bomb, whole), partial(_bomb, whole, said=99)
        yield Case(f"zip/bomb.{kind}", bomb, FAILED, "would unpack to more than 256 MiB")
        yield Case(f"zip/lies.{kind}", lies)
        yield Case(f"zip/in zip.{kind}", partial(_bomb, whole, inside=True), OK)
        yield Case(f"zip/members.{kind}", _changed(whole, {f"m/{i}": "" for i in range(3000)}), OK)
        yield Case(f"zip/encrypted.{kind}", _flagged(whole), FAILED, "it is encrypted")
        yield Case(f"zip/up.{kind}", _changed(whole, {"../../up.txt": "x", "/etc/abs": "x"}), OK)
        yield Case(f"zip/main is empty.{kind}", _changed(whole, {main: ""}), ANY)
        yield Case(f"zip/main is noise.{kind}", _changed(whole, {main: os.urandom(99)}), ANY)
        yield Case(f"zip/wide.{kind}", _changed(whole, {main: f"<a>{'<b/>' * 1_000_000}</a>"}), ANY)
        yield Case(f"zip/nothing in it.{kind}", b"PK\5\6" + b"\0" * 18, FAILED)
        yield Case(f"zip/only end.{kind}", whole[-22:], FAILED)
        yield Case(f"zip/method.{kind}", whole.replace(b"\x08\0", b"\x63\0"), FAILED)


_BOMB = 300_000_000


@cache
def _blown_up(whole: bytes) -> bytes:
    return _changed(whole, {"bomb": b"0" * _BOMB})


def _bomb(whole: bytes, path: Path, *, said: int = _BOMB, inside: bool = False) -> None:
    """Write an archive that unpacks to much, whatever it says, or that holds such a one."""
    bomb = _blown_up(whole).replace(_BOMB.to_bytes(4, "little"), said.to_bytes(4, "little"))
    path.write_bytes(_changed(whole, {"inner.zip": bomb}) if inside else bomb)


def _flagged(archive: bytes) -> bytes:
    """Set the flag of encryption on every member."""
    return re.sub(
        rb"(PK\x01\x02.{4})(.)", lambda match: match[1] + bytes([match[2][0] | 1]), archive, flags=re.DOTALL
    )


def _pdfs() -> Iterator[Case]:
    from reportlab.lib.pdfencrypt import StandardEncryption

    page = [(72, 700, _said())]
    locked = StandardEncryption("secret", ownerPassword="owner", canPrint=0)
    open_ = StandardEncryption("", ownerPassword="owner", canPrint=0)
    yield Case("pdf/password.pdf", make_pdf(page, encrypt=locked), FAILED, "needs a password")
    yield Case("pdf/owner.pdf", make_pdf(page, encrypt=open_), OK)
    yield Case("pdf/no text.pdf", make_pdf([], []), FAILED, "has no text on any page")
    yield Case("pdf/some text.pdf", make_pdf(page, [], page), frozenset({"partly"}), "page 2 has no text")
    yield Case("pdf/many pages.pdf", make_pdf(*[page] * 300), OK)
    whole = make_pdf(page)
    yield Case("pdf/count.pdf", whole.replace(b"/Count 1", b"/Count 2147483647"))
    yield Case("pdf/negative.pdf", whole.replace(b"/Count 1", b"/Count -5"))
    yield Case("pdf/own parent.pdf", re.sub(rb"/Kids \[ \d+", lambda match: match[0][:-1] + b"5", whole))
    yield Case("pdf/box.pdf", whole.replace(b"/MediaBox [ 0 0", b"/MediaBox [ -1e30 1e30"))
    yield Case("pdf/no trailer.pdf", whole.replace(b"trailer", b"tr"))
    yield Case("pdf/no xref.pdf", whole.replace(b"startxref", b"start"))
    yield Case("pdf/length.pdf", re.sub(rb"/Length \d+", b"/Length 999999999", whole))
    yield Case(
        "pdf/script.pdf",
        whole.replace(
            b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"
        ),
    )
    yield Case("pdf/only a head.pdf", b"%PDF-1.7\n", FAILED)
    yield Case("pdf/nested.pdf", whole.replace(b"/Type /Catalog", b"/Type /Catalog /X " + b"[" * 100_000))


def _pages() -> Iterator[Case]:
    for name, page in {
        "unclosed": "<p><b><i>" * 3_000 + _said(),
        "script": f"<script>{_said()}</script>",
        "comment": f"<!-- {_said()}",
        "cdata": f"<![CDATA[ {_said()} ]]>",
        "refresh": f"<meta http-equiv=refresh content='0;url=http://192.0.2.1'><p>{_said()}",
        "table": f"<table>{'<tr><td>a' * 3_000}{_said()}</table>",
        "frames": "<iframe src=file:///etc/passwd></iframe><p>" + _said(),
        "entities": f"<p>{'&amp;' * 10_000}{_said()}",
        "surrogate": f"<p>&#xD800;&#x110000;&#0; {_said()}",
        "doctype": f"<!DOCTYPE html SYSTEM 'file:///etc/passwd'><p>{_said()}",
        "hidden": f"<div style='display:none'>{_said()}</div>",
        "empty body": "<html><body></body></html>",
        "template": "<template>" * 5000 + _said(),
        "lists": "<ul><li>" * 5000 + _said(),
        "quotes": '<p title="' + _said(),
        "tags": "<" * 20_000 + _said(),
    }.items():
        yield Case(f"html/{name}.html", f"<html>{page}")
    for charset in ("utf-16", "utf-7", "nonsense", "x" * 90, "ascii", "base64", "undefined", "idna"):
        page = f'<meta charset="{charset}"><p>{_said("é")}</p>'
        yield Case(f"html/charset {charset[:9]}.html", page)


def _markdown() -> Iterator[Case]:
    size = 10_000
    for name, unit in {
        "brackets": "[", "images": "![", "links": "[a](", "quotes": ">", "ticks": "`", "stars": "*a ",
        "emphasis": "a**b", "underscores": "_a", "angles": "<", "ampersands": "&", "cells": "|a",
        "hashes": "#", "dashes": "- ",
        "autolinks": "<http:", "escapes": "\\", "html": "<a>", "rules": "---\n", "references": "[a]: b\n",
    }.items():  # fmt: skip
        yield Case(f"markdown/{name}.md", unit * (size // len(unit)) + f"\n\n{_said()}\n", OK)
    yield Case("markdown/nested.md", "".join(f"{' ' * i}- a\n" for i in range(300)) + f"\n\n{_said()}", OK)
    yield Case("markdown/slow.md", "[" * 3_000_000, FAILED, r"takes more than 2 seconds")
    matters = {
        "list": "[" * 20_000,
        "map": "{a: " * 5_000,
        "laughs": "".join(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]\n" for i in range(20)).replace(
            "*a0", "x"
        )
        + "title: *a20",
        "python": "title: !!python/object/apply:os.system ['true']",
        "tabs": "title:\t\t: x",
        "date": "date: 0000-00-00",
        "number": "title: " + "9" * 9999,
        "anchor": "title: &a [*a]",
        "null": "title: ~\nsource: {}\nauthor: [[[]]]",
    }
    for name, matter in matters.items():
        yield Case(f"markdown/matter {name}.md", f"---\n{matter}\n---\n\n{_said()}", OK)


def _mails() -> Iterator[Case]:
    head = "From: a@b.example\nSubject: Trade\n"
    deep = "".join(f'Content-Type: multipart/mixed; boundary="b{i}"\n\n--b{i}\n' for i in range(800))
    for name, mail in {
        "no headers": _said(),
        "only headers": head,
        "deep": head + deep + f"Content-Type: text/plain\n\n{_said()}",
        "base64": f"{head}Content-Transfer-Encoding: base64\n\n!!!not base64!!!",
        "quoted": f"{head}Content-Transfer-Encoding: quoted-printable\n\n=ZZ=\n={_said()}",
        "charset": f"{head}Content-Type: text/plain; charset=nonsense\n\n{_said()}",
        "charset nul": f'{head}Content-Type: text/plain; charset="\\0"\n\n{_said()}',
        "long header": f"{head}X: {'x' * 300_000}\n\n{_said()}",
        "many headers": head + "".join(f"X{i}: y\n" for i in range(3_000)) + f"\n{_said()}",
        "date": f"{head}Date: Tue, 99 Foo 99999 99:99:99 +9999\n\n{_said()}",
        "addresses": f"From: {'<' * 5000}\nSubject: x\n\n{_said()}",
        "group": f'From: undisclosed:;, "\n\nSubject: x\n\n{_said()}',
        "encoded word": f"{head}Subject: =?utf-8?b?{'A' * 5000}?=\n\n{_said()}",
        "attachment": f'{head}Content-Disposition: attachment; filename="../../x"\n\n{_said()}',
        "boundary": f"{head}Content-Type: multipart/mixed\n\n{_said()}",
        "message in message": (head + "Content-Type: message/rfc822\n\n") * 300 + _said(),
    }.items():
        yield Case(f"mail/{name}.eml", mail)


def _tables() -> Iterator[Case]:
    row = f'{{"text": "{_said()}"}}\n'
    partly = frozenset({"partly"})
    for name, (rows, states) in {
        "deep": (row + "[" * 100_000 + "\n", partly),
        "deep object": (row + '{"a":' * 50_000 + "\n", partly),
        "number": (row + f'{{"text": "x", "n": {"9" * 9999}}}\n', partly),
        "nan": (row + '{"text": NaN}\n', partly),
        "array": (row + "[]\n", partly),
        "null": (row + "null\n", partly),
        "surrogate": (row + '{"text": "\\ud800"}\n', partly),
        "same keys": (row + '{"id": 2, "text": "x"}\n{"id": 2, "text": "y"}\n', partly),
        "nul": (row + '{"text": "\\u0000 x"}\n', OK),
        "cut": (row + row[:20], partly),
        "blank": ("\n\n\n" + row + "\n\n", OK),
        "no line end": (row.strip(), OK),
        "carriage returns": (row.replace("\n", "\r\n") * 2, OK),
        "only bad": ("{\n" * 50, FAILED),
        "text is a number": ('{"text": 5}\n', FAILED),
        "id is a list": (row + '{"text": "x", "id": []}\n', partly),
    }.items():
        yield Case(f"table/{name}.jsonl", rows, states)
    for name, (rows, states) in {
        "no text": ("a,b\n1,2\n", OK),
        "quote": (f'text\n"{_said()}\n', ANY),
        "more fields": (f"text,title\n{_said()},x\n{_said()},x,y\n", partly),
        "columns": (
            "text," + ",".join(f"c{i}" for i in range(2_000)) + "\n" + _said() + "," * 2_000 + "\n",
            OK,
        ),
        "long field": (f"text\n{'a ' * 70_000}{_said()}\n", OK),
        "header only": ("text\n", FAILED),
        "same column": (f"text,text\n{_said()},b\n", ANY),
        "semicolons": (f"title;text\nx;{_said()}\n", OK),
    }.items():
        yield Case(f"table/{name}.csv", rows, states)


def _sidecars() -> Iterator[Case]:
    for name, sidecar in {
        "no toml": b"= = =",
        "unknown": b'colour = "red"',
        "list": b"title = []",
        "date": b'published = "July 2019"',
        "nul": b"\0",
        "noise": bytes(range(128, 256)),
        "deep": b"title = " + b"[" * 50_000,
        "address": b'url = "javascript:alert(1)"',
        "empty value": b'title = " "',
    }.items():
        path = f"sidecar/{name}.txt"
        yield Case(path, _said(), FAILED, r"meta\.toml", beside={f"{path}.meta.toml": sidecar})


def _names() -> Iterator[Case]:
    for name in (
        *(
            "a\nb",
            "a\tb",
            "a\x1b[2Jb",
            "a b ",
            " a",
            "-rf",
            "--help",
            "a'b",
            'a"b',
            "a\\b",
            "a%2e%2eb",
            "a;b",
            "a&b=c",
            "a?b#c",
        ),
        *(
            "a:b",
            "a|b",
            "a*b",
            "<script>alert(1)<",
            "'; DROP TABLE files; --",
            "кхмер",
            "ខ្មែរ",
            "日本",
            "عربى",
            "👩‍👧",
        ),
        *(
            "\u202egnp",
            "\u200b",
            "e\u0301",
            "é",
            "x" * 250,
            "CON",
            "a.pdf",
            "a..",
            "$HOME",
            "`id`",
            "{{7*7}}",
            "%s%n",
            "null",
        ),
    ):
        yield Case(f"names/{name}.txt", _said(name), OK)
    yield Case("names/UPPER.TXT", _said(), OK)
    yield Case("deep/" + "d/" * 300 + "a.txt", _said(), OK)


def _specials() -> Iterator[Case]:
    def link(target: str) -> Callable[[Path], None]:
        return lambda path: path.symlink_to(target)

    yield Case("special/out.txt", link("/etc/passwd"), FAILED, "outside the documents folder")
    yield Case("special/up.txt", link("../../../../../../../../etc/passwd"), FAILED, "outside")
    yield Case("special/zero.txt", link("/dev/zero"), FAILED, "outside")
    yield Case("special/self.txt", link("self.txt"), FAILED)
    yield Case("special/ring1.txt", link("ring2.txt"), FAILED)
    yield Case("special/ring2.txt", link("ring1.txt"), FAILED)
    yield Case("special/dangling.txt", link("nowhere.txt"), FAILED, "No such file")
    yield Case("special/inside.txt", link("../names/UPPER.TXT"), OK)
    yield Case("special/circle", link(".."), FAILED, "is a link to a folder")
    yield Case("special/proc", link("/proc/self"), FAILED, "is a link to a folder")
    yield Case("special/pipe.txt", os.mkfifo, FAILED, "is not a regular file")
    yield Case("special/socket.txt", _listen, FAILED)
    yield Case("special/large.txt", lambda path: _sparse(path, 300 * 2**20), FAILED, "has more than 256 MB")
    yield Case("special/holes.txt", lambda path: _sparse(path, 200 * 2**20), FAILED, "NUL")
    yield Case("special/photo.psd", b"\xff\xd8", frozenset({"skipped"}), "of no kind")
    yield Case("special/.hidden.txt", _said(), frozenset({"skipped"}), "is hidden")


def _listen(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one, suppress(OSError):
            one.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


QUICK = (_empty, _encodings, _pdfs, _sidecars, _names, _specials)
SLOW = (_foreign, _damaged, _characters, _xml, _zips, _pages, _markdown, _mails, _tables)


def write_all(docs: Path, bad_cases: list[Case]) -> None:
    """Put them into a folder."""
    for case in bad_cases:
        for name, data in {case.path: case.make, **case.beside}.items():
            path = docs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(data):
                data(path)
            else:
                path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
