"""Measures Serin beside nginx and HAProxy on the same work, and tells what it found."""

import argparse
import dataclasses
import os
import pathlib
import signal
import sys
import tempfile
import time

import bodies
import cpu
import idle
import instructions
import latency
import peers
import swap
import table
import tls
import work
import workers
from report import Report
from server import CORES, OTHER_CORE

SECTIONS = {it.__name__: it for it in (
    instructions, cpu, latency, bodies, idle, swap, workers, tls)}


@dataclasses.dataclass
class Setting:
    """How thorough to be, and where files go."""

    folder: pathlib.Path
    quick: bool
    rounds: int
    round_s: int
    # Where there is much to compare.
    few_rounds: int
    short_s: int
    systems: list[str]
    # What the work of the section of instructions is to be called, in part.
    case: str
    profiles: pathlib.Path | None

    @property
    def keys(self):
        return self.folder / "keys"

    def of(self, names):
        """Those that are to be measured."""
        return [name for name in names if name in self.systems]


def arguments(words):
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=__doc__)
    told = "; ".join(f"{name}: {it.__doc__.strip('.')}" for name, it in SECTIONS.items())
    parser.add_argument("section", nargs="*", help=f"what to measure, all by default. {told}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="rounds in which the systems take turns")
    parser.add_argument("--seconds", type=int, help="how long one system is measured in a round")
    parser.add_argument("--only", action="append", choices=peers.SYSTEMS, metavar="SYSTEM",
                        help=f"measure this one alone: {', '.join(peers.SYSTEMS)}")
    parser.add_argument("--case", default="", metavar="TEXT",
                        help="count the instructions of cases alone that are called so, in part")
    parser.add_argument("--profiles", metavar="FOLDER", type=pathlib.Path,
                        help="keep callgrind's profiles there, for callgrind_annotate")
    parser.add_argument("--json", metavar="FILE", help="keep what was measured in a file")
    parser.add_argument("--from", dest="kept", metavar="FILE",
                        help="measure nothing, take what was kept")
    parser.add_argument("--write", action="store_true",
                        help="put the table into the README and the plot beside this command")
    chosen = parser.parse_args(words)
    for name in chosen.section:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}: name {', '.join(SECTIONS)}")
    return chosen


def measured(chosen):
    if len(CORES) < 2:
        raise SystemExit("two cores are needed: one for what is measured, one for the rest")
    os.sched_setaffinity(0, {OTHER_CORE})
    rows = []
    with tempfile.TemporaryDirectory(prefix="serin-peers-") as folder:
        setting = Setting(pathlib.Path(folder), chosen.quick,
                          chosen.rounds or (3 if chosen.quick else 7),
                          chosen.seconds or (1 if chosen.quick else 3),
                          chosen.rounds or (1 if chosen.quick else 5), chosen.seconds or 1,
                          chosen.only or list(peers.SYSTEMS), chosen.case, chosen.profiles)
        if setting.profiles:
            setting.profiles.mkdir(parents=True, exist_ok=True)
        setting.keys.write_text("\n".join(work.keys()) + "\n")
        for name in chosen.section or SECTIONS:
            began = time.monotonic()
            found = list(SECTIONS[name].measure(setting))
            print(f"{name}, in {time.monotonic() - began:.0f} s\n{table.text(found)}\n", flush=True)
            rows += found
            # Should a later section fail, this is not lost.
            if chosen.json:
                Report.of(rows).save(chosen.json)
    return Report.of(rows)


def main(words):
    chosen = arguments(words)
    # What was started is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if chosen.kept:
        report = Report.read(chosen.kept)
        print(table.text(report.rows))
    else:
        report = measured(chosen)
    if chosen.write:
        report.write()


if __name__ == "__main__":
    main(sys.argv[1:])
