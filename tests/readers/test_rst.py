from readers.samples import headings, one

TEXT = """
=====
Tides
=====

:Author: Ann
:Date: 2019-07-03

Ebb
---

It *falls* twice [1]_, see :doc:`the flow <flow>` and |it|.

.. |it| replace:: the mud

.. a comment

.. note:: Mind it.

.. versionadded:: 2.0
   It is **new**.

.. toctree::
   :maxdepth: 2

   a

3. three
4. four

   a) inner

- one
- two

======  ====
Port    Tons
======  ====
Wick    12
Nairn   7
======  ====

Code::

   x = 1
     y

.. [1] A note.
"""


def test_text_headings_lists_tables_and_notes():
    reading = one("a.rst", TEXT)
    assert reading.text == (
        "Tides\n\nAuthor: Ann\nDate: 2019-07-03\n\nEbb\n\n"
        "It falls twice [1], see the flow and the mud.\n\nMind it.\n\n2.0\n\nIt is new.\n\n"
        "3. three\n4. four\n\na) inner\n\n- one\n- two\n\nPort | Tons\nWick | 12\nNairn | 7\n\n"
        "Code:\n\nx = 1\n  y\n\n[1] A note."
    ).replace("\\\n", "\n")
    assert headings(reading) == [(1, "Tides"), (2, "Ebb")]
    found = reading.metadata
    assert (found.title, found.author, found.published) == ("Tides", "Ann", "2019-07-03")
    assert len(reading.tables) == 1


def test_nothing_outside_the_file_is_read():
    text = "One.\n\n.. include:: /etc/passwd\n\n.. csv-table:: A\n   :file: /etc/passwd\n\n"
    text += ".. raw:: html\n\n   <b>x</b>\n"
    reading = one("a.rst", text)
    assert reading.text == "One."
    assert reading.notes == ("include was left out: /etc/passwd", "csv-table was left out: A")
