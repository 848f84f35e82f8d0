"""User-space instructions per request, counted by callgrind: no noise touches them."""

import dataclasses
import re
import shutil
import subprocess

import peers
import work
from peers import Shape
from rows import PEERS, SERIN, Row
from server import OTHER_CORE

CONNECTIONS = 16
FEW = 2_000
TELL_WITHIN_S = 60


@dataclasses.dataclass
class Case:
    """What is asked for, of whom, and how they are started."""

    work: str
    names: tuple = (SERIN, *PEERS)
    port: str = "plain"
    options: tuple = ("--h1",)
    shape: Shape = dataclasses.field(default_factory=Shape)
    body: int = 0


# What more costs, as an access log, is a case with `more` in Serin's config.
CASES = [
    Case("h1 keep-alive"),
    Case("h1 keep-alive, 2 workers", (SERIN,), shape=Shape(workers=2)),
    Case("h1 keep-alive, 100,000 routines", (SERIN,), shape=Shape(routines=100_000)),
    Case("h1, POST of 1 KiB", body=1_024),
    Case("h1 over TLS", port="tls"),
    Case("h2c, 10 streams each", port="h2c", options=("-m", "10")),
    Case("h2 over TLS, 10 streams each", port="tls", options=("-m", "10")),
]


def measure(setting):
    wanted = [case for case in CASES if setting.case in case.work]
    for case in wanted[:1] if setting.quick and not setting.case else wanted:
        values = {name: [count(setting, name, case)] for name in setting.of(case.names)}
        if values:
            yield Row("instructions", case.work, "instructions a request", values)


def count(setting, name, case):
    """Instructions of one request: those of many less those of few."""
    wrapped = (shutil.which("valgrind"), "--tool=callgrind", "--instr-atstart=no",
               f"--callgrind-out-file={setting.folder}/callgrind.%p")
    shape = dataclasses.replace(case.shape, wrapped=wrapped)
    many = 3 * FEW if setting.quick else 6 * FEW
    with peers.running(setting.folder, [name], shape) as systems:
        system = systems[name]
        options = list(case.options)
        if case.body:
            body = system.write("body", "x" * case.body)
            options += ["-d", body]
        scheme = "https" if case.port == "tls" else "http"
        url = f"{scheme}://127.0.0.1:{getattr(system, case.port)}/"

        def ask(requests):
            work.split_h2load(url, OTHER_CORE, options, requests, CONNECTIONS, system.key_of)

        tell(system, "instrumentation on")
        ask(FEW // 2)  # pools are filled, and what is written once is written
        dumped(setting, system)
        ask(FEW)
        few, _ = dumped(setting, system)
        ask(many)
        all_of_them, profile = dumped(setting, system)
    if setting.profiles:
        name = re.sub(r"\W+", "-", f"{name} {case.work}".lower())
        (setting.profiles / f"callgrind.out.{name}").write_text(profile)
    return (all_of_them - few) / (many - FEW)


def tell(system, words):
    said = subprocess.run([shutil.which("vgdb"), f"--pid={system.pid}", *words.split()],
                          capture_output=True, text=True, timeout=TELL_WITHIN_S)
    if said.returncode != 0:
        raise SystemExit(f"valgrind did not take {words!r}: {said.stderr}")


def dumped(setting, system):
    """Instructions since the last time, and where they went."""
    tell(system, "dump")
    file, = setting.folder.glob(f"callgrind.{system.pid}.*")
    profile = file.read_text()
    file.unlink()
    return int(re.search(r"^totals: (\d+)", profile, re.M)[1]), profile
