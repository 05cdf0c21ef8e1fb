"""Outlook's files, which are compound files: a tree of streams in sectors."""

from __future__ import annotations

import itertools
import struct

SECTOR, MINI = 512, 64
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
STRING, BINARY, NUMBER, TIME = 0x1F, 0x102, 0x3, 0x40


def make_msg(properties, attachments=()):
    """Return a message file: its properties by number, and those of each attachment.

    That of an attachment named ``inner`` is a message: the properties and the attachments of it.
    """
    return make_compound(_message(properties, attachments, header=32))


def _message(properties, attachments, header):
    root = _streams(properties, header)
    for number, attachment in enumerate(attachments):
        inner = attachment.pop("inner", None)
        storage = root[f"__attach_version1.0_#{number:08X}"] = _streams(attachment, header=8)
        if inner:
            storage["__substg1.0_3701000D"] = _message(*inner, header=24)
    return root


def _streams(properties, header):
    streams, entries = {}, b"\0" * header
    for number, value in properties.items():
        if isinstance(value, (str, bytes)):
            kind = STRING if isinstance(value, str) else BINARY
            data = value.encode("utf-16-le") if isinstance(value, str) else value
            streams[f"__substg1.0_{number:04X}{kind:04X}"] = data
            entries += struct.pack("<HHIQ", kind, number, 6, len(data))
        else:
            kind = TIME if value > 0xFFFFFFFF else NUMBER
            entries += struct.pack("<HHIQ", kind, number, 6, value)
    return {"__properties_version1.0": entries, **streams}


def make_compound(tree):
    """Return a compound file of streams (bytes) and storages (dictionaries). Streams are small."""
    entries, mini = [["Root Entry", 5, FREE, FREE, 0, 0]], bytearray()
    table = []

    def add(name, node):
        index = len(entries)
        entries.append([name, 1 if isinstance(node, dict) else 2, FREE, FREE, 0, 0])
        if isinstance(node, dict):
            entries[index][3] = add_all(node)
        else:
            assert len(node) < 4096
            first, count = len(table), -(-len(node) // MINI)
            table.extend([*range(first + 1, first + count), END][:count])
            mini.extend(node.ljust(count * MINI, b"\0"))
            entries[index][4:] = [first if count else END, len(node)]
        return index

    def add_all(nodes):
        indexes = [add(name, node) for name, node in nodes.items()]
        for index, following in itertools.pairwise(indexes):
            entries[index][2] = following
        return indexes[0]

    entries[0][3] = add_all(tree)
    return _write(entries, bytes(mini), table)


def _write(entries, mini, table):
    directory = b"".join(map(_entry, entries))
    parts = [struct.pack(f"<{len(table)}I", *table), mini, directory]
    counts = [-(-len(part) // SECTOR) for part in parts]
    starts = [sum(counts[:number]) + 1 for number in range(3)]  # sector 0 is the table of sectors
    sectors = [FAT]
    for start, count in zip(starts, counts, strict=True):
        sectors += [*range(start + 1, start + count), END][:count]
    assert len(sectors) <= SECTOR // 4
    sectors += [FREE] * (SECTOR // 4 - len(sectors))
    directory = _entry(["Root Entry", 5, FREE, entries[0][3], starts[1], len(mini)]) + directory[128:]
    fill = [b"\xff", b"\0", b"\0"]
    data = [
        part.ljust(count * SECTOR, pad)
        for part, count, pad in zip([parts[0], mini, directory], counts, fill, strict=True)
    ]
    head = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16
    head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIIII", 0, 1, starts[2], 0, 4096, starts[0], counts[0], END, 0, 0)
    head += struct.pack("<108I", *[FREE] * 108)
    return head[:512] + struct.pack("<128I", *sectors) + b"".join(data)


def _entry(entry):
    name, kind, right, child, start, size = entry
    encoded = name.encode("utf-16-le") + b"\0\0"
    fields = struct.pack("<HBBIII16xIQQIQ", len(encoded), kind, 1, FREE, right, child, 0, 0, 0, start, size)
    return encoded.ljust(64, b"\0") + fields
