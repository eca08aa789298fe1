"""Decode a picture: from its bytes to upright grey levels, within limits on what it may cost."""

import importlib
import math
import threading
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

import cv2
import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageChops, ImageOps, UnidentifiedImageError

from digits.errors import DigitsError, EmptyFile, NotAPicture, TooManyPixels
from digits.grids import Grey
from digits.stepwise import Stepwise, finished
from digits.vision.decode_limits import (
    TOO_COSTLY,
    DecodeConfig,
    decodes_quickly,
    opens_quickly,
    refuse_costly_bytes,
    refuse_costly_header,
)
from digits.vision.metadata import readable
from digits.vision.png_inflate import unpacked
from digits.vision.small_png import small_grey

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
ACCEPTED = "PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
MEDIA_TYPES = (*(f"image/{name.lower()}" for name in FORMATS), "image/heic")

_NAMES = {"MPO": "JPEG", "HEIF": "HEIC"}
SHOWN_FORMATS = frozenset(_NAMES.get(name, name) for name in FORMATS)
"""What Picture.format may be."""

_QUARTER_TURNS = range(5, 9)
_WHITE_LEVELS = (1, 255, 1023, 4095, 16383, 65535, 2**32, np.inf)
"""The usual values of white, for pixels of 1, 8, 10, 12, 14, 16 and 32 bits."""

_SCALES = (8, 4, 2)
"""By which a JPEG's decoder can divide."""

_one_large_picture = threading.Lock()

for _plugin in ("Avif", "Bmp", "Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP"):
    importlib.import_module(f"PIL.{_plugin}ImagePlugin")
pillow_heif.register_heif_opener()
# Operators can do nothing about odd metadata.
warnings.filterwarnings("ignore", module=r"PIL\.")
# Dimensions are checked against the caller's limit before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, and what its file said."""

    grey: Grey
    """uint8 (h, w): upright, as the eye sees it, and reduced to DecodeConfig.max_side; ink may be dark or light."""
    width: int
    """Pixels of the upright picture as it was sent."""
    height: int
    format: str


class Decoders(Protocol):
    """Do in other processes what may take long, or harm."""

    def read_picture(self, data: bytes) -> Picture:
        """Do what read_picture does."""

    def as_png(self, data: bytes) -> bytes:
        """Do what strip.as_png does."""


def read_picture(
    data: bytes,
    max_pixels: int,
    config: DecodeConfig = DecodeConfig(),
    large: AbstractContextManager[Any] = _one_large_picture,
) -> Picture:
    """Decode the first frame of a picture. Its format is judged by its bytes alone.

    `large` is held while a large picture is decoded.

    Raises:
        EmptyFile: there are no bytes.
        TooManyPixels: decoding it would cost too much; it is not decoded.
        NotAPicture: the file is not a picture, or is damaged.
    """
    return finished(decoding(data, max_pixels, config, large=large))


def decoding(
    data: bytes,
    max_pixels: int,
    config: DecodeConfig = DecodeConfig(),
    elsewhere: Decoders | None = None,
    large: AbstractContextManager[Any] = _one_large_picture,
) -> Stepwise[Picture]:
    """Do what read_picture does, step by step; what may take long is decoded `elsewhere`, if that is given.

    Raises:
        EmptyFile: there are no bytes.
        TooManyPixels: decoding it would cost too much.
        NotAPicture: the file is not a picture, or is damaged.
        DigitsError: whatever is raised elsewhere.
    """
    if not data:
        raise EmptyFile(f"The file is empty. Send {ACCEPTED}.")
    try:
        return (yield from _decoding(data, max_pixels, config, elsewhere, large))
    except DigitsError:
        raise
    except MemoryError as error:
        raise TooManyPixels(TOO_COSTLY) from error
    except UnidentifiedImageError as error:
        raise NotAPicture(f"This file is not a picture that can be read. Send {ACCEPTED}.") from error
    except Exception as error:  # Damaged files make decoders raise errors of any kind.
        raise NotAPicture("The picture is damaged or incomplete. Save or take it again and send that file.") from error


def _decoding(
    data: bytes,
    max_pixels: int,
    config: DecodeConfig,
    elsewhere: Decoders | None,
    large: AbstractContextManager[Any],
) -> Stepwise[Picture]:
    grey = small_grey(data) if config.quick_pixels else None
    if grey is not None and grey.size <= min(max_pixels, config.quick_pixels) and max(grey.shape) <= config.max_side:
        return Picture(grey, grey.shape[1], grey.shape[0], "PNG")
    if not (is_quick := opens_quickly(data, config)):
        yield None
        if elsewhere:
            return elsewhere.read_picture(data)
    refuse_costly_bytes(data, config)
    with Image.open(BytesIO(unpacked(readable(data))), formats=FORMATS) as image:
        refuse_costly_header(image, max_pixels, config)
        if is_quick and not decodes_quickly(image, config):
            yield None
            if elsewhere:
                return elsewhere.read_picture(data)
        image_format = _NAMES.get(str(image.format), str(image.format))
        sent = image.size
        drafted = image.draft("L", _draft_size(sent, config)) is not None
        with large if image.width * image.height > config.large_pixels else nullcontext():
            image.load()
            width, height = sent if drafted else image.size
            if image.getexif().get(ExifTags.Base.Orientation, 1) in _QUARTER_TURNS:
                width, height = height, width
            ImageOps.exif_transpose(image, in_place=True)
            return Picture(np.asarray(_reduced(_grey(image, config), config)), width, height, image_format)


def _grey(image: Image.Image, config: DecodeConfig) -> Image.Image:
    """Convert a picture of any mode to L, 8 bits of grey."""
    if image.mode == "F" or image.mode.startswith("I"):
        # Pillow can reduce integers only if they have 32 bits.
        return _eight_bits(_reduced(image if image.mode == "F" else image.convert("I"), config))
    if image.mode == "LAB":
        return image.getchannel("L")
    if image.has_transparency_data:
        return _opaque(image if image.mode == "RGBA" else image.convert("RGBA"))
    return image.convert("L")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Rescale deeper greys to 8 bits: the smallest usual value of white that none exceeds becomes 255."""
    values = np.clip(np.nan_to_num(np.asarray(image, dtype=np.float64)), 0, None)
    white = next(level for level in _WHITE_LEVELS if values.max() <= level)
    return Image.fromarray((values * (255 / white)).astype(np.uint8))


def _draft_size(size: tuple[int, int], config: DecodeConfig) -> tuple[int, int]:
    """The size at which to decode a JPEG: if it can be had at once, the one that _reduced would make of it."""
    excess = max(size) / config.max_side
    scale = next((each for each in _SCALES if each <= excess), 1)
    whole = scale * math.ceil(excess / scale)
    scale = whole if whole in _SCALES else scale
    return size[0] // scale or 1, size[1] // scale or 1


def _opaque(rgba: Image.Image) -> Image.Image:
    """Convert RGBA to L. Transparent parts become white if what is visible is dark, else black.

    Nobody knows the paper of strokes on a transparent canvas, nor the ink of which a page shows only the soft edge.
    But both were in contrast with what is left.
    """
    alpha, grey = rgba.getchannel("A"), rgba.convert("L")
    # The two usual canvases take less: one that is filled, and black ink on nothing.
    if np.asarray(alpha).min() == 255:
        return grey
    if grey.getbbox() is None:
        return ImageChops.invert(alpha)
    is_dark = cv2.mean(np.asarray(grey), np.asarray(alpha))[0] < 128
    return Image.composite(grey, Image.new("L", rgba.size, 255 if is_dark else 0), alpha)


def _reduced(image: Image.Image, config: DecodeConfig) -> Image.Image:
    factor = math.ceil(max(image.size) / config.max_side)
    return image.reduce(factor) if factor > 1 else image
