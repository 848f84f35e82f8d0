#!/usr/bin/env python3
"""Walks through the README as a reader would.

Starts the demo with the README's own command, runs every `$` line of its `console`
blocks in order, and compares what is printed with what the README shows; `...`
there stands for any text on that line. Ends the demo as Ctrl-C does and expects
exit status 0. Needs the demo's ports to be free.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEMO = "cargo run --release -- demo"
PORTS = (8080, 8081, 8090)
START_WITHIN_S = 900  # a cold release build included
COMMAND_WITHIN_S = 60
END_WITHIN_S = 20


def steps(readme):
    """The commands of the console blocks and the lines that each should print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", readme, re.M | re.S):
        continued = False
        for line in block.splitlines():
            if continued:
                found[-1][0] += "\n" + line
            elif line.startswith("$ "):
                found.append([line[2:], []])
            else:
                found[-1][1].append(line)
            command_line = continued or line.startswith("$ ")
            continued = command_line and line.endswith("\\")
    return found


def matches(expected, printed):
    """Whether the printed lines are the expected ones, `...` standing for any text."""
    def pattern(line):
        return ".*".join(re.escape(part) for part in line.split("..."))

    return len(expected) == len(printed) and all(
        re.fullmatch(pattern(e), p) for e, p in zip(expected, printed)
    )


def is_taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_served(demo):
    deadline = time.monotonic() + START_WITHIN_S
    while not all(is_taken(port) for port in PORTS):
        if demo.poll() is not None:
            sys.exit(f"tour: the demo ended with status {demo.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"tour: the demo did not listen within {START_WITHIN_S} s")
        time.sleep(0.05)


def walk(todo):
    """Runs the commands; returns how many did not print what the README shows."""
    wrong = 0
    for command, expected in todo:
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
        )
        printed = run.stdout.splitlines()
        if run.returncode == 0 and matches(expected, printed):
            print(f"ok    {command.splitlines()[0]}")
            continue
        wrong += 1
        print(f"WRONG {command} (status {run.returncode})")
        print("  expected:", *expected, sep="\n    ")
        print("  printed:", *printed, sep="\n    ")
        print(run.stderr, end="")
    return wrong


def main():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    todo = steps(readme)
    if f"\n{DEMO}\n" not in readme or not todo:
        sys.exit("tour: the README shows no demo, or no console blocks")
    taken = [port for port in PORTS if is_taken(port)]
    if taken:
        sys.exit(f"tour: ports {taken} are taken; stop what listens there")
    # A group of its own, so that the signal reaches cargo and the demo as Ctrl-C does.
    demo = subprocess.Popen(
        DEMO.split(), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_until_served(demo)
        wrong = walk(todo)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGINT)
    status = demo.wait(END_WITHIN_S)
    if status != 0:
        print(f"WRONG the demo ended with status {status} after Ctrl-C")
        wrong += 1
    print(f"{len(todo) + 1 - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
