"""What is kept of a run: a file in JSON, and the README's part."""

import dataclasses
import json
import os
import pathlib
import platform
import re
import shutil
import textwrap
import time

import plot
import table
from program import Program
from rows import SERIN, Row

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parents[1] / "README.md"
PLOT = HERE / "results.svg"
BEGIN, END = "<!-- peers -->\n", "<!-- /peers -->\n"


@dataclasses.dataclass
class Report:
    """Rows, and what they were measured on."""

    machine: str
    versions: dict[str, str]
    date: str
    rows: list[Row]

    @classmethod
    def of(cls, rows):
        return cls(machine(), versions(), time.strftime("%Y-%m-%d", time.gmtime()), rows)

    @classmethod
    def read(cls, file):
        read = json.loads(pathlib.Path(file).read_text())
        return cls(**read | {"rows": [Row(**row) for row in read["rows"]]})

    def save(self, file):
        text = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)
        pathlib.Path(file).write_text(text + "\n")

    def write(self):
        """Puts the table into the README, and the plot beside this file."""
        text = README.read_text()
        begin, end = text.find(BEGIN), text.find(END)
        if not 0 <= begin < end:
            raise SystemExit(f"README.md has no {BEGIN.strip()} and {END.strip()} on their lines")
        README.write_text(text[:begin + len(BEGIN)] + self.markdown() + text[end:])
        PLOT.write_text(plot.svg(self.rows))

    def markdown(self):
        named = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (f"\n![The first rows of the table as bars]({PLOT.relative_to(README.parent)})\n\n"
                f"{self.date}, {self.machine}: {named}.\n\n{table.markdown(self.rows)}\n\n"
                f"{self.losses()}\n\n")

    def losses(self):
        compared = [row for row in self.rows if row.ratio() is not None]
        lost = [row for row in compared if row.loses()]
        if not lost:
            return "Serin loses in none of these rows."
        worst = max(lost, key=lambda row: 1 / row.ratio() if row.higher else row.ratio())
        return textwrap.fill(
            f"Serin loses to the better of nginx and HAProxy in {len(lost)} of the"
            f" {len(compared)} rows that compare them, by most in \"{worst.work}\""
            f" ({worst.unit}, {worst.ratio():.2f}).", 90)


def machine():
    found = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores, Linux {kernel()}"


def kernel():
    return re.match(r"[\d.]+\d", platform.release())[0]


def versions():
    asked = {SERIN: (None, os.environ["SERIN"], "--version"), "nginx": ("peers", "nginx", "-v"),
             "HAProxy": ("peers", "haproxy", "-v")}
    found = {}
    for name, (unpacked, command, option) in asked.items():
        program = Program(name, ".")
        program.unpacked = unpacked
        found[name] = program.ask_version(shutil.which(command), option)
    return found
