"""Charts as SVG: grouped bars, and lines over two logarithmic axes."""

import math
from xml.sax.saxutils import escape

COLOURS = ["#2563eb", "#7c3aed", "#16a34a", "#d97706", "#dc2626", "#6b7280", "#0891b2", "#be185d", "#78350f", "#4d7c0f"]
WIDTH, HEIGHT = 860, 430
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 104, 50
STYLE = "text{font:12px system-ui,sans-serif;fill:#374151}.t{font-size:15px;font-weight:600;fill:#111827}"


class Drawing:
    def __init__(self, title):
        self.parts = [f'<text class="t" x="{LEFT}" y="24">{escape(title)}</text>']

    def line(self, x1, y1, x2, y2, colour="#e5e7eb", width=1):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def text(self, x, y, words, anchor="middle"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def box(self, x, y, width, height, colour, words=""):
        tooltip = f"<title>{escape(words)}</title>" if words else ""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">{tooltip}</rect>')

    def legend(self, labels):
        x, y = LEFT, 36
        for label, colour in zip(labels, COLOURS):
            width = 26 + 6.3 * len(label)
            if x + width > WIDTH - RIGHT:
                x, y = LEFT, y + 17
            self.box(x, y, 11, 11, colour)
            self.text(x + 16, y + 10, label, "start")
            x += width

    def svg(self):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>'
        return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *self.parts, "</svg>\n"])


def number(value):
    """At most three significant digits: 0.42, 3.1, 1.2k, 1M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def _round_up(value):
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)


def bars(title, groups, series):
    """Draws grouped bars; `series` is a list of (label, one value or None for each group)."""
    drawing = Drawing(title)
    drawing.legend([label for label, _ in series])
    top = _round_up(max(value for _, values in series for value in values if value))
    height, width = HEIGHT - TOP - BOTTOM, WIDTH - LEFT - RIGHT
    for step in range(6):
        y = HEIGHT - BOTTOM - height * step / 5
        drawing.line(LEFT, y, WIDTH - RIGHT, y)
        drawing.text(LEFT - 8, y + 4, number(top * step / 5), "end")
    slot = width / len(groups)
    bar = min(44, slot * 0.84 / len(series))
    for at, group in enumerate(groups):
        middle = LEFT + slot * (at + 0.5)
        drawing.text(middle, HEIGHT - BOTTOM + 20, group)
        for index, (label, values) in enumerate(series):
            if values[at] is None:
                continue
            tall, x = height * values[at] / top, middle + bar * (index - len(series) / 2)
            drawing.box(x + 1, HEIGHT - BOTTOM - tall, bar - 2, tall, COLOURS[index], f"{label}: {values[at]:.4g}")
            drawing.text(x + bar / 2, HEIGHT - BOTTOM - tall - 4, number(values[at]))
    return drawing.svg()


def lines(title, across, along, series):
    """Draws lines over two logarithmic axes; `series` is a list of (label, [(x, y), ...])."""
    drawing = Drawing(title)
    drawing.legend([label for label, _ in series])
    points = [point for _, each in series for point in each]
    x0, x1 = (math.log10(pick(x for x, _ in points)) for pick in (min, max))
    y0 = math.floor(math.log10(min(y for _, y in points)))
    y1 = math.ceil(math.log10(max(y for _, y in points)))
    spread = max(x1 - x0, 1e-9)

    def place(x, y):
        across_px = LEFT + 20 + (WIDTH - LEFT - RIGHT - 60) * (math.log10(x) - x0) / spread
        return across_px, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(y) - y0) / max(y1 - y0, 1)

    for power in range(y0, y1 + 1):
        _, y = place(10**x0, 10.0**power)
        drawing.line(LEFT, y, WIDTH - RIGHT, y)
        drawing.text(LEFT - 8, y + 4, number(10.0**power), "end")
    for x in sorted({x for x, _ in points}):
        drawing.text(place(x, 10.0**y0)[0], HEIGHT - BOTTOM + 20, f"{x:,}")
    drawing.text(WIDTH / 2, HEIGHT - 10, across)
    drawing.text(LEFT - 8, TOP - 14, along, "end")
    for (_, each), colour in zip(series, COLOURS):
        placed = [place(x, y) for x, y in each]
        for start, end in zip(placed, placed[1:]):
            drawing.line(*start, *end, colour, 2)
        for (x, y), (_, value) in zip(placed, each):
            drawing.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"><title>{value:.4g}</title></circle>')
    return drawing.svg()
