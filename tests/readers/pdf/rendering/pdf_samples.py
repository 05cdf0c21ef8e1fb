"""PDFs that are hard to draw."""

from __future__ import annotations

import zlib


def raw_pdf(*objects: str) -> bytes:
    """Write a PDF of one page, which is the first of these objects and has the number 3."""
    head = ("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>")
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate((*head, *objects), 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(places) + 1
    trailer = f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


def page_pdf(content: str, resources: str, *more: str) -> bytes:
    """Write a PDF whose page draws this; the further objects have the numbers from 5 on."""
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<<{resources}>>>>"
    return raw_pdf(page, _stream("", content), *more)


def slow_pdf(text: str = "Text.", fills: int = 20_000) -> bytes:
    """Write a PDF that takes minutes to draw: fills of the whole page, each blended with those below."""
    words = f"BT /F 12 Tf 72 700 Td ({text}) Tj ET\n"
    font = "/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    state = "/ExtGState<</G<</ca .5/BM/Luminosity>>>>"
    return page_pdf(words + "/G gs\n" + "0 0 612 792 re f\n" * fills, font + state)


def picture_pdf(width: int, height: int, *, in_form: bool = False, colours: str = "/DeviceGray") -> bytes:
    """Write a PDF whose page, or a form on it, holds a picture of this size, of which the data is missing."""
    xobjects = "/XObject<</I 5 0 R/F 6 0 R>>"
    draw = "q 100 0 0 100 50 50 cm /{} Do Q"
    size = f"/Width {width}/Height {height}/BitsPerComponent 8/ColorSpace{colours}"
    return page_pdf(
        draw.format("F" if in_form else "I"),
        xobjects,
        _stream(f"/Type/XObject/Subtype/Image{size}", ""),
        _stream(
            f"/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<<{xobjects}>>",
            # A form within itself as well.
            draw.format("I") + draw.format("F"),
        ),
    )


def bomb_pdf(size: int) -> bytes:
    """Write a PDF whose page's content is nothing, but so many bytes of it."""
    packed = zlib.compress(bytes(size), 1).hex()
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>"
    return raw_pdf(page, _stream("/Filter[/ASCIIHexDecode/FlateDecode]", packed))


def _stream(entries: str, content: str) -> str:
    return f"<<{entries}/Length {len(content)}>>stream\n{content}\nendstream"
