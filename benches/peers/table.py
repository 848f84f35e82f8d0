"""The table: as text, and as Markdown for the README."""

from peers import SYSTEMS


def number(value):
    """Three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def cell(row, name):
    if name not in row.values:
        return ""
    low, high = row.spread(name)
    spread = f" ({number(low)}–{number(high)})" if len(row.values[name]) > 1 else ""
    return number(row.median(name)) + spread


def ratio(row):
    value = row.ratio()
    return "" if value is None else f"{value:.2f}" + (", worse" if row.loses() else "")


def lines(rows):
    yield ["", "", *SYSTEMS, "Serin / better peer"]
    for row in rows:
        yield [row.work, row.unit, *(cell(row, name) for name in SYSTEMS), ratio(row)]


def markdown(rows):
    head, *body = lines(rows)
    rule = ["---", "---"] + ["---:"] * (len(head) - 2)
    return "\n".join(f"| {' | '.join(it)} |" for it in [head, rule, *body])


def text(rows):
    cells = list(lines(rows))
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join(it.ljust(width) for it, width in zip(line, widths)).rstrip()
                     for line in cells)
