#!/usr/bin/env python3
"""Draw a terminal screen (text with SGR escapes on stdin) as a PNG.

Lines, blocks and braille are drawn cell by cell and not taken from the font, so that
they join without gaps as they do in a terminal. Everything else is DejaVu Sans Mono,
or whatever font fontconfig names for a character that it lacks.

usage: weir snapshot --format ansi | tools/ansi2png.py OUT.png
"""
import re
import subprocess
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

CELL_W, CELL_H, SIZE, MARGIN = 12, 25, 20, 14
FOREGROUND, BACKGROUND = (0xD0, 0xD4, 0xDC), (0x12, 0x14, 0x1A)
ANSI = [
    (0x1C, 0x1F, 0x26), (0xE0, 0x50, 0x4A), (0x6F, 0xB3, 0x5C), (0xE0, 0xB0, 0x40),
    (0x5A, 0x96, 0xE0), (0xB8, 0x7A, 0xD0), (0x4F, 0xB4, 0xB8), (0xC8, 0xCC, 0xD4),
    (0x6A, 0x70, 0x7C), (0xFF, 0x6E, 0x67), (0x93, 0xD6, 0x7C), (0xFF, 0xD0, 0x60),
    (0x82, 0xB4, 0xFF), (0xD8, 0x9C, 0xF0), (0x74, 0xD6, 0xDA), (0xF4, 0xF6, 0xFA),
]
WEIGHTS = {"LIGHT": 1, "SINGLE": 1, "HEAVY": 2, "DOUBLE": 3}
ARMS = {"UP": "N", "DOWN": "S", "LEFT": "W", "RIGHT": "E", "VERTICAL": "NS", "HORIZONTAL": "WE"}


def palette(n):
    if n < 16:
        return ANSI[n]
    if n >= 232:
        return (8 + 10 * (n - 232),) * 3
    n -= 16
    return tuple(0 if v == 0 else 55 + 40 * v for v in (n // 36, n // 6 % 6, n % 6))


class Pen:
    """The state that SGR escapes change."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.reverse = self.underline = False

    def apply(self, text):
        codes = [int(c or 0) for c in re.split("[;:]", text)]
        while codes:
            c = codes.pop(0)
            if c == 0:
                self.reset()
            elif c == 1:
                self.bold = True
            elif c == 2:
                self.dim = True
            elif c == 4:
                self.underline = True
            elif c == 7:
                self.reverse = True
            elif c == 22:
                self.bold = self.dim = False
            elif c == 24:
                self.underline = False
            elif c == 27:
                self.reverse = False
            elif c in (38, 48):
                if codes.pop(0) == 5:
                    colour = palette(codes.pop(0))
                else:
                    colour, codes = tuple(codes[:3]), codes[3:]
                if c == 38:
                    self.fg = colour
                else:
                    self.bg = colour
            elif c == 39:
                self.fg = None
            elif c == 49:
                self.bg = None
            elif 30 <= c <= 37:
                self.fg = ANSI[c - 30]
            elif 40 <= c <= 47:
                self.bg = ANSI[c - 40]
            elif 90 <= c <= 97:
                self.fg = ANSI[c - 82]
            elif 100 <= c <= 107:
                self.bg = ANSI[c - 92]

    def colours(self):
        fg, bg = self.fg or FOREGROUND, self.bg or BACKGROUND
        if self.reverse:
            fg, bg = bg, fg
        if self.dim:
            fg = mix(fg, bg, 0.6)
        return fg, bg


def mix(a, b, share):
    return tuple(round(x * share + y * (1 - share)) for x, y in zip(a, b))


def cells(text):
    """Yield (x, y, characters, columns, foreground, background, pen bits)."""
    pen = Pen()
    for y, line in enumerate(text.splitlines()):
        x = 0
        for escape, sgr, char in re.findall("(\x1b\\[([0-9;:]*)m)|([^\x1b])", line):
            if escape:
                pen.apply(sgr)
            elif unicodedata.combining(char):
                continue
            else:
                width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
                yield (x, y, char, width, *pen.colours(), pen.bold, pen.underline)
                x += width


class Painter:
    def __init__(self, columns, rows):
        self.image = Image.new(
            "RGB", (columns * CELL_W + 2 * MARGIN, rows * CELL_H + 2 * MARGIN), BACKGROUND
        )
        self.draw = ImageDraw.Draw(self.image)
        self.fonts = {}
        self.files = {}
        self.missing = {}

    def font_file(self, char, bold):
        """DejaVu Sans Mono when it has the character, else what fontconfig offers."""
        style = "Bold" if bold else "Book"
        base = f"DejaVu Sans Mono:style={style}"
        for pattern in (base, f"{base}:charset={ord(char):x}"):
            if pattern not in self.files:
                self.files[pattern] = subprocess.run(
                    ["fc-match", "-f", "%{file}\t%{index}", pattern],
                    capture_output=True, text=True, check=True,
                ).stdout.split("\t")
            file, index = self.files[pattern]
            font = self.font(file, int(index))
            if not self.lacks(font, char):
                return font
        return font

    def font(self, file, index):
        key = (file, index)
        if key not in self.fonts:
            self.fonts[key] = ImageFont.truetype(file, SIZE, index=index)
        return self.fonts[key]

    def lacks(self, font, char):
        if font not in self.missing:
            self.missing[font] = bytes(font.getmask("\uffff"))
        return bytes(font.getmask(char)) == self.missing[font] and char != " "

    def cell(self, x, y, char, width, fg, bg, bold, underline):
        left, top = MARGIN + x * CELL_W, MARGIN + y * CELL_H
        box = (left, top, left + width * CELL_W - 1, top + CELL_H - 1)
        if bg != BACKGROUND:
            self.draw.rectangle(box, fill=bg)
        if underline:
            self.draw.rectangle((left, top + CELL_H - 3, box[2], top + CELL_H - 3), fill=fg)
        code = ord(char)
        if char == " ":
            return
        if 0x2500 <= code <= 0x257F and self.lines(char, left, top, fg, bg):
            return
        if 0x2580 <= code <= 0x259F:
            self.block(code - 0x2580, left, top, fg, bg)
        elif 0x2800 <= code <= 0x28FF:
            self.braille(code - 0x2800, left, top, fg)
        else:
            font = self.font_file(char, bold)
            middle = left + width * CELL_W / 2
            self.draw.text((middle, top + CELL_H - 7), char, font=font, fill=fg, anchor="ms")

    def rectangle(self, x0, y0, x1, y1, colour):
        if x1 > x0 and y1 > y0:
            self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)

    def arm(self, side, thick, left, top, colour, reach=0):
        """A stroke from one edge of the cell to its middle, and `reach` beyond."""
        cx, cy = left + CELL_W // 2, top + CELL_H // 2
        a, b = thick // 2, thick - thick // 2
        if side == "N":
            self.rectangle(cx - a, top, cx + b, cy + reach, colour)
        elif side == "S":
            self.rectangle(cx - a, cy - reach, cx + b, top + CELL_H, colour)
        elif side == "W":
            self.rectangle(left, cy - a, cx + reach, cy + b, colour)
        else:
            self.rectangle(cx - reach, cy - a, left + CELL_W, cy + b, colour)

    def lines(self, char, left, top, fg, bg):
        words = unicodedata.name(char).split()[2:]
        if "DIAGONAL" in words:
            return False
        if "ARC" in words:
            self.arc(set(words[2:]) - {"AND"}, left, top, fg)
            return True
        dashes = 0
        if "DASH" in words:
            dashes = {"DOUBLE": 2, "TRIPLE": 3, "QUADRUPLE": 4}[words[1]]
            words = [words[0], words[3]]
        arms, weight = {}, 0
        for part in " ".join(words).split(" AND "):
            names = part.split()
            weight = next((WEIGHTS[n] for n in names if n in WEIGHTS), weight)
            for name in names:
                for side in ARMS.get(name, ""):
                    arms[side] = weight
        thick = {1: 2, 2: 4, 3: 6}
        joint = max(thick[w] for w in arms.values()) // 2
        for side, w in sorted(arms.items(), key=lambda a: a[1]):
            self.arm(side, thick[w], left, top, fg, joint if len(arms) > 1 else 0)
        for side, w in arms.items():
            if w == 3:
                self.arm(side, 2, left, top, bg, 1)
        for side, w in arms.items():
            if w != 3 and {"N": "S", "S": "N", "W": "E", "E": "W"}[side] in arms:
                self.arm(side, thick[w], left, top, fg, 1)
        for i in range(dashes):
            if "E" in arms:
                x = left + round((i + 0.75) * CELL_W / dashes)
                self.rectangle(x, top, x + 2, top + CELL_H, bg)
            else:
                y = top + round((i + 0.75) * CELL_H / dashes)
                self.rectangle(left, y, left + CELL_W, y + 3, bg)
        return True

    def arc(self, sides, left, top, fg):
        """A rounded corner, drawn four times as large and reduced."""
        zoom = 4
        mask = Image.new("L", (CELL_W * zoom, CELL_H * zoom))
        draw = ImageDraw.Draw(mask)
        cx, cy = CELL_W // 2 * zoom, CELL_H // 2 * zoom
        r, t = 5 * zoom, zoom
        sx = 1 if "RIGHT" in sides else -1
        sy = 1 if "DOWN" in sides else -1
        ox, oy = cx + sx * r, cy + sy * r
        start = {(1, 1): 180, (-1, 1): 270, (-1, -1): 0, (1, -1): 90}[sx, sy]
        draw.arc((ox - r - t, oy - r - t, ox + r + t - 1, oy + r + t - 1), start, start + 90,
                 fill=255, width=2 * t)
        for box in ((cx - t, oy, cx + t - 1, mask.height if sy > 0 else 0),
                    (ox, cy - t, mask.width if sx > 0 else 0, cy + t - 1)):
            x0, y0, x1, y1 = box
            draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=255)
        mask = mask.resize((CELL_W, CELL_H), Image.LANCZOS)
        self.image.paste(Image.new("RGB", mask.size, fg), (left, top), mask)

    def block(self, n, left, top, fg, bg):
        right, bottom = left + CELL_W, top + CELL_H
        if n == 0:
            self.rectangle(left, top, right, top + CELL_H // 2, fg)
        elif n <= 8:
            self.rectangle(left, bottom - round(CELL_H * n / 8), right, bottom, fg)
        elif n <= 15:
            self.rectangle(left, top, left + round(CELL_W * (16 - n) / 8), bottom, fg)
        elif n == 16:
            self.rectangle(left + CELL_W // 2, top, right, bottom, fg)
        elif n <= 19:
            self.rectangle(left, top, right, bottom, mix(fg, bg, (n - 16) / 4))
        elif n == 20:
            self.rectangle(left, top, right, top + CELL_H // 8, fg)
        elif n == 21:
            self.rectangle(right - CELL_W // 8, top, right, bottom, fg)
        else:
            quarters = ["c", "d", "a", "acd", "ad", "abc", "abd", "b", "bc", "bcd"][n - 22]
            mx, my = left + CELL_W // 2, top + CELL_H // 2
            for q, box in zip("abcd", ((left, top, mx, my), (mx, top, right, my),
                                       (left, my, mx, bottom), (mx, my, right, bottom))):
                if q in quarters:
                    self.rectangle(*box, fg)

    def braille(self, dots, left, top, fg):
        order = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
        for bit, (column, row) in enumerate(order):
            if dots >> bit & 1:
                x = left + round((column + 0.5) * CELL_W / 2)
                y = top + round((row + 0.5) * CELL_H / 4)
                self.draw.ellipse((x - 2, y - 2, x + 1, y + 1), fill=fg)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    screen = list(cells(sys.stdin.buffer.read().decode()))
    if not screen:
        sys.exit("ansi2png: nothing to draw")
    painter = Painter(max(c[0] + c[3] for c in screen), max(c[1] for c in screen) + 1)
    for cell in screen:
        painter.cell(*cell)
    painter.image.save(sys.argv[1], optimize=True)


main()
