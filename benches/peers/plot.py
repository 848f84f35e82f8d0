"""A plot of the rows that say most: bars of medians, with the spread as a line."""

from html import escape

from table import number

# The first row of each that there is.
PANELS = [("instructions", "h1 keep-alive"), ("cpu", "h1 keep-alive, 64 connections"),
          ("cpu", "h1 keep-alive, 512 connections"), ("latency", "p99 at")]
COLOURS = {"Serin": "#c2410c", "nginx": "#64748b", "HAProxy": "#64748b", "TCP": "#cbd5e1"}
NAMES = {"TCP": "TCP forwarding"}
WIDTH, LEFT, RIGHT, TOP = 720, 120, 90, 40
BAR, GAP, HEAD, BETWEEN = 20, 6, 26, 22


def chosen(rows):
    for section, work in PANELS:
        yield from [row for row in rows
                    if row.section == section and row.work.startswith(work)][:1]


def svg(rows):
    parts, y = [], TOP
    for row in chosen(rows):
        drawn, y = panel(row, y)
        parts += drawn
    title = text(0, 20, "Less is better; lines are the least and the most of all rounds",
                 "fill='#475569'")
    return "\n".join([
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='-16 0 {WIDTH + 32} {y}'"
        f" width='{WIDTH + 32}' height='{y}' font-family='sans-serif' font-size='13'>",
        f"<rect x='-16' width='{WIDTH + 32}' height='{y}' fill='white'/>", title, *parts,
        "</svg>", ""])


def panel(row, y):
    """One row as bars from `y` on, and where the next begins."""
    parts = [text(0, y + 15, f"{row.work}: {row.unit}", "font-weight='bold'")]
    y += HEAD
    scale = (WIDTH - LEFT - RIGHT) / max(row.spread(name)[1] for name in row.values)
    for name in row.values:
        parts += bar(row, name, y, scale)
        y += BAR + GAP
    return parts, y + BETWEEN


def bar(row, name, y, scale):
    value, (low, high) = row.median(name), row.spread(name)
    middle = y + BAR / 2
    yield text(LEFT - 8, middle + 5, NAMES.get(name, name), "text-anchor='end'")
    yield (f"<rect x='{LEFT}' y='{y}' width='{value * scale:.1f}' height='{BAR}'"
           f" fill='{COLOURS[name]}'/>")
    if high > low:
        yield (f"<line x1='{LEFT + low * scale:.1f}' x2='{LEFT + high * scale:.1f}'"
               f" y1='{middle}' y2='{middle}' stroke='#0f172a' stroke-width='1.5'/>")
    yield text(round(LEFT + high * scale + 8, 1), middle + 5, number(value))


def text(x, y, said, more=""):
    return f"<text x='{x}' y='{y}' {more}>{escape(said)}</text>".replace(" >", ">")
