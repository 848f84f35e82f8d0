"""An operator who deploys at a steady rate through the admin API."""

import contextlib
import http.client
import json
import threading
import time

ANSWER_WITHIN_S = 20
OPERATORS = 4


class Deployments:
    """Several operators, each on a connection of its own, from `with` to its end."""

    def __init__(self, port, rate, routines):
        self.port, self.rate, self.routines = port, rate, routines
        self.over = threading.Event()
        self.took_s, self.failed = [], []
        self.threads = [threading.Thread(target=self.operate, args=(number,))
                        for number in range(OPERATORS)]

    def __enter__(self):
        self.began = time.monotonic()
        for it in self.threads:
            it.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for it in self.threads:
            it.join()
        self.seconds = time.monotonic() - self.began
        if self.failed:
            raise SystemExit(f"a deployment failed: {self.failed[0]}")

    def operate(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_WITHIN_S)
        with contextlib.closing(connection):
            try:
                turn = 0
                while not self.over.wait(self.wait_s(number, turn)):
                    self.deploy(connection, turn * OPERATORS + number)
                    turn += 1
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failed.append(error)

    def wait_s(self, number, turn):
        due = self.began + (turn * OPERATORS + number) / self.rate
        return max(0, due - time.monotonic())

    def deploy(self, connection, number):
        """The routine that traffic asks for has its turn, too. Shares alternate, so that
        each deployment changes who gets what."""
        routine = f"routine-{number % self.routines}"
        newer = 10 + 10 * (number // self.routines % 2)
        text = json.dumps({"code_versions": [
            {"code_version": "1", "percentage": 100 - newer},
            {"code_version": "2", "percentage": newer}]})
        began = time.monotonic()
        connection.request(
            "POST", f"/api/v1/routines/{routine}/environments/production/deployment", text,
            {"content-type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        self.took_s.append(time.monotonic() - began)
        if answer.status not in (200, 201):
            raise ValueError(f"{answer.status} {said[:300]}")
