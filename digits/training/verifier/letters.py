"""Draw letters and signs that do not look like digits, from fonts or with pen strokes."""

import functools
import math
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

from digits.training.augmentation.photographs import Sheet
from digits.training.scenes.figures import SIZE, cut_to_ink

LIKE_DIGITS = frozenset(
    "OoQ()ΟοσΘθΦφϑϕОоѲѳӨөØøƟɵðʘᴏᴑ∅⌀ɸфФ○◯●°˚◦∘⚪⚬⊘⊙⊖⊝⦰⦱⦲⦳⦴⬭⬯⎔❍◌"
    "Iil|jJ[]/\\!¡¦'`,.:;·•-_ΙιІіЈјӀӏıȷɩɪƖǀ‘’ʻʹ′‵∕⁄⟋∖⟍╱╲∣│┃╎╏┆┇┊┋╵╷╹╻╽╿▏▎▍▌▐❘❙❚⎜⎟⎢⎥⎪˥"
    "ZzΖζϨϩȤȥƵƶƻⱫⱬᴢʐʑ"
    "ЗзЭэʒƷȜȝƐɛɜɝɞεЄєҘҙӠӡƸƹʓꜢꜣᴈᴣƎǝ∃∄∋∌∍"
    "ЧчҶҷҸҹӋӌɥꞍ"
    "SsЅѕςϛϚƧƨƼƽꜱꞨꞩ"
    "bδбБЬьЪъƄƅÞþ"
    "⅂Ꞁꞁɿ⌝┐┑┒┓╕╖╗╮¬"
    "Ȣȣᴕᴽβϐ"
    "gqρϱɋԛɖƍ"
)
"""Characters that cannot be told from somebody's digit; a line for each digit, from 0 to 9."""

_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")  # Letters of other scripts that look like digits are not listed above.
_FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "cmmi10")
_PEN_FONTS = tuple(range(8))  # OpenCV's, after Hershey.


def is_no_digit(character: str) -> bool:
    """Whether a character is a letter or sign that does not look like a digit, with its accents or without."""
    plain = unicodedata.normalize("NFKD", character)[0]
    if unicodedata.category(character)[0] == "L" and not unicodedata.name(plain, "").startswith(_SCRIPTS):
        return False
    return unicodedata.category(character)[0] in "LSP" and not {character, plain} & LIKE_DIGITS


def printed(rng: np.random.Generator) -> Sheet:
    """Draw a random character of a font; at least half are ASCII or Greek, which people write most."""
    fonts = _fonts()
    font, common, usable = fonts[rng.integers(len(fonts))]
    some = common if rng.random() < 0.5 else usable
    image = Image.new("L", (2 * SIZE, 2 * SIZE))
    ImageDraw.Draw(image).text((SIZE, SIZE), some[rng.integers(len(some))], 255, font, anchor="mm")
    return _in_another_hand(cut_to_ink(np.asarray(image)), rng)


def stroked(rng: np.random.Generator) -> Sheet:
    """Draw a random ASCII character with pen strokes."""
    characters = _usable(range(128))
    canvas = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
    slant = cv2.FONT_ITALIC * int(rng.integers(2))
    font, pen = int(rng.choice(_PEN_FONTS)) + slant, int(rng.integers(2, 9))
    character = characters[rng.integers(len(characters))]
    cv2.putText(canvas, character, (SIZE // 2, SIZE * 3 // 2), font, 3, 255, pen, cv2.LINE_AA)
    return _in_another_hand(cut_to_ink(canvas), rng)


@functools.cache
def _fonts() -> list[tuple[ImageFont.FreeTypeFont, str, str]]:
    """Return some of matplotlib's fonts, each with its usable characters in ASCII and Greek, and all usable ones."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = []
    for path in (str(folder / f"{name}.ttf") for name in _FONTS):
        usable = _usable(FT2Font(path).get_charmap())
        common = "".join(character for character in usable if character <= "~" or "\u0370" <= character <= "\u03ff")
        fonts.append((ImageFont.truetype(path, SIZE - 24), common, usable))
    return fonts


def _usable(codes: Iterable[int]) -> str:
    """Return the characters of these codes that do not look like digits."""
    return "".join(filter(is_no_digit, map(chr, codes)))


def _in_another_hand(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Return the character bent, slanted and turned, and perhaps in thinner or thicker strokes."""
    if not sheet.size:
        return sheet
    sheet = np.pad(sheet, SIZE // 3)
    height, width = sheet.shape
    bend = cv2.resize(rng.normal(0, 4, (4, 4, 2)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    angle = rng.normal(0, 0.15)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    slant = np.array([[rng.uniform(0.8, 1.25), rng.normal(0, 0.2)], [0, rng.uniform(0.8, 1.25)]])
    centre = np.array([width, height]) / 2
    y, x = np.mgrid[:height, :width]
    seen = (np.stack([x, y], 2) - centre) @ (turn @ slant).T + centre + bend
    bent: Sheet = cv2.remap(sheet, seen.astype(np.float32), None, cv2.INTER_LINEAR)
    pen = int(rng.integers(2, 7))
    if (chance := rng.random()) < 0.5:
        change = cv2.erode if chance < 0.3 else cv2.dilate
        other_pen = change(bent, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen)))
        if other_pen.max() > 0.9:
            bent = other_pen
    return cut_to_ink(bent)
