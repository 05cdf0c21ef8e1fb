"""One page of a picture file: drawn as a smaller picture, and its shape.

It runs in the same process as ``sheet``, for the same reason: a small file can hold a huge picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from qa.errors import NotFoundError, RenderingError
from qa.readers.pdf.rendering.sheet import Sheet, scale, write_webp
from qa.readers.pictures import MAX_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
_WIDE_GREYS = frozenset({"I", "I;16", "I;16B", "I;16L", "F"})
"""Greys of more than 8 bits, of which Pillow would keep the darkest 256 only."""

_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
"""Orientations of Exif that exchange width and height. Pillow itself turns TIFFs."""

_TO_8_BITS = 1 / 257


def draw(file: BinaryIO, page: int) -> bytes:
    """Draw a page of a picture file, as WebP.

    Args:
        file: the picture, in a format that is read.
        page: the page's number, from 1.

    Raises:
        NotFoundError: there is no such page.
        RenderingError: it is too large.
    """
    from PIL import ImageOps

    image = _opened(file, page)
    turned = "exif" in image.info
    factor = min(1.0, scale(*_shown_size(image)))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    image.draft("RGB", size)  # a JPEG is decoded no larger than it must be
    small = _smooth(image).resize(size, reducing_gap=2.0)
    return write_webp(_on_white(ImageOps.exif_transpose(small) if turned else small))


def locate(file: BinaryIO, page: int) -> Sheet:
    """Return the shape of a page, without decoding it. For the rest, see ``draw``."""
    width, height = _shown_size(_opened(file, page))
    return Sheet(height / width, ())


def _opened(file: BinaryIO, page: int) -> Image:
    from PIL import Image

    image = Image.open(file, formats=_FORMATS)
    try:
        image.seek(page - 1)
    except EOFError:
        raise NotFoundError(f"There is no page {page}.") from None
    if image.width * image.height > MAX_PIXELS:
        raise RenderingError(
            f"Page {page} cannot be drawn: it is a picture of {image.width} × {image.height} pixels, and the "
            f"limit is {MAX_PIXELS // 10**6} million."
        )
    return image


def _shown_size(image: Image) -> tuple[int, int]:
    """Return the width and height of an image as it is shown: a camera's may lie on its side."""
    from PIL.ExifTags import Base

    orientation = image.getexif().get(Base.Orientation) if "exif" in image.info else None
    return (image.height, image.width) if orientation in _ON_ITS_SIDE else image.size


def _smooth(image: Image) -> Image:
    """Return an image in a mode in which pixels can be averaged."""
    if image.mode in _WIDE_GREYS:
        return image.convert("F")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    return image.convert("L") if image.mode == "1" else image


def _on_white(image: Image) -> Image:
    """Return an image in 8 bits without transparency: print is mostly black, and would vanish on black."""
    from PIL import Image

    if image.mode == "F":
        image = image.point(lambda grey: grey * _TO_8_BITS)
    if image.mode in ("LA", "RGBA"):
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        image = paper
    return image.convert("RGB")
