#!/usr/bin/env python3
"""Walks through what a reader is shown, as that reader would.

Starts the demo with the README's own command, runs every `$` line of the README's
`console` blocks in order, and compares what is printed with what the README shows;
`...` there stands for any text on that line. Then starts another demo and runs every
command that it prints itself, holding them to what it says of them. Ends each demo as
Ctrl-C does and expects exit status 0. Needs the demo's ports to be free.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = "cargo build --release"
DEMO = "cargo run --release -- demo"
BINARY = "target/release/serin"  # as the README calls it
PORTS = (8080, 8081, 8090)
START_WITHIN_S = 60
COMMAND_WITHIN_S = 60
END_WITHIN_S = 20
LAST_WORDS = "Ctrl-C ends it."  # of what the demo prints at its start
USER = "user-42"  # whom the demo's own commands ask about
USERS = [USER] + [f"user-{number}" for number in range(40)]


class Wrong(Exception):
    """Something is not as a reader was told."""


def build():
    """Builds Serin; the path of the binary, wherever cargo was told to put it."""
    run = subprocess.run(
        BUILD.split() + ["--message-format", "json-render-diagnostics"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )
    built = [json.loads(line).get("executable") for line in run.stdout.splitlines()]
    return next(path for path in built if path and pathlib.Path(path).name == "serin")


def kill(group):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group.pid, signal.SIGKILL)
    group.wait()


def run(command):
    """What a command prints. Its children end with it."""
    shell = subprocess.Popen(
        ["bash", "-c", command], cwd=ROOT, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    try:
        printed, complaint = shell.communicate(timeout=COMMAND_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise Wrong(f"did not end within {COMMAND_WITHIN_S} s") from None
    finally:
        kill(shell)
    if shell.returncode != 0:
        raise Wrong(f"ended with status {shell.returncode}\n{printed}{complaint}")
    return printed


def is_taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def demo():
    """A running demo; what it prints at its start. It ends as Ctrl-C ends it."""
    taken = [port for port in PORTS if is_taken(port)]
    if taken:
        sys.exit(f"tour: ports {taken} are taken; stop what listens there")
    with tempfile.TemporaryFile("w+") as out:
        # A group of its own, so that the signal reaches cargo and the demo as Ctrl-C does.
        group = subprocess.Popen(DEMO.split(), cwd=ROOT, stdout=out, start_new_session=True)
        try:
            yield introduction(group, out)
            os.killpg(group.pid, signal.SIGINT)
            try:
                status = group.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                raise Wrong(f"the demo runs on {END_WITHIN_S} s after Ctrl-C") from None
            if status != 0:
                raise Wrong(f"the demo ended with status {status} after Ctrl-C")
        finally:
            kill(group)


def introduction(group, out):
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        # The demo writes at the file's end, wherever this reads.
        printed = os.pread(out.fileno(), 1 << 16, 0).decode()
        if LAST_WORDS in printed and all(is_taken(port) for port in PORTS):
            return printed
        if group.poll() is not None:
            raise Wrong(f"the demo ended with status {group.returncode}")
        if time.monotonic() > deadline:
            raise Wrong(f"the demo did not listen within {START_WITHIN_S} s")
        time.sleep(0.05)


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


def walk(todo, binary):
    """Each command of the README, and whether it prints what the README shows."""
    for command, expected in todo:
        with judged(command):
            printed = run(command.replace(BINARY, binary)).splitlines()
            if not matches(expected, printed):
                lines = ["expected:", *expected, "printed:", *printed]
                raise Wrong("\n    ".join(lines))


def shown_commands(printed):
    """The commands that the demo prints: indented by two spaces, maybe continued."""
    return [
        command.strip()
        for command in re.findall(r"^  curl (?:.*\\\n)*.*$", printed, re.M)
    ]


def follow(printed):
    """Each command that the demo prints, and whether it does what the demo says."""
    commands = shown_commands(printed)
    with judged("the demo shows a request, a deployment and an explanation"):
        ask, deploy, explain = commands
    with judged(ask):
        before = versions(ask)
    with judged(deploy):
        shares = {
            share["CodeVersion"]: share["Percentage"]
            for share in json.loads(run(deploy))["CodeVersions"]
        }
        if set(shares.values()) != {50}:
            raise Wrong(f"half of the users were to move, not {shares}")
    with judged("nobody moves back, and some move on"):
        after = versions(ask)
        older, newer = sorted(shares, key=int)
        back = [user for user in USERS if (before[user], after[user]) == (newer, older)]
        on = [user for user in USERS if (before[user], after[user]) == (older, newer)]
        if back or not on or newer not in before.values() or older not in after.values():
            raise Wrong(f"{back} moved back and {on} moved on\n{before}\n{after}")
    with judged(explain):
        explained = json.loads(run(explain))
        if (explained["key"], explained["version"]) != (USER, after[USER]):
            raise Wrong(f"{USER} gets {after[USER]}, but: {explained}")
        # It joins at the first percentage that gives it the newer version.
        if (explained["joins_at"] <= 50) != (after[USER] == newer):
            raise Wrong(f"{USER} gets {after[USER]} at 50 %, but: {explained}")


def versions(ask):
    """The version of each user, by the demo's own command for one of them."""
    if f"x-serin-key: {USER}'" not in ask:
        raise Wrong(f"does not ask as {USER}")
    found = {}
    for user in USERS:
        printed = run(ask.replace(USER, user) + r" --write-out '\n%{http_code}'")
        body, status = printed.rsplit("\n", 1)
        if status != "200":
            raise Wrong(f"asked as {user} and was answered {status}: {body}")
        answer = json.loads(body)
        if (answer["routine"], answer["key"]) != ("checkout", user):
            raise Wrong(f"asked as {user} and was answered: {answer}")
        found[user] = answer["version"]
    return found


outcomes = []


@contextlib.contextmanager
def judged(what):
    """Says whether `what` went as it should, and goes on."""
    try:
        yield
        outcomes.append(True)
        print(f"ok    {what.splitlines()[0]}", flush=True)
    except (Wrong, KeyError, ValueError) as error:
        outcomes.append(False)
        print(f"WRONG {what}\n  {type(error).__name__}: {error}", flush=True)


def main():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    todo = steps(readme)
    if f"\n{DEMO}\n" not in readme or not todo:
        sys.exit("tour: the README shows no demo, or no console blocks")
    binary = build()
    with judged("the README's demo starts, and ends with Ctrl-C"), demo():
        walk(todo, binary)
    with judged("another demo starts, and ends with Ctrl-C"), demo() as printed:
        follow(printed)
    print(f"{outcomes.count(True)} passed, {outcomes.count(False)} failed")
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()
