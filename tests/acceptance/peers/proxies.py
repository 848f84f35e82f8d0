"""Starts what is compared: Serin, nginx and HAProxy, each with a listener for each lane."""

import asyncio
import os
import re
import shutil

from program import Program

# Silence is told from an answer within a case's time.
SILENCE = "1s"

SERIN = """
default_routine = "peer"
[listen]
production = "127.0.0.1:0"
staging    = "127.0.0.1:0"
admin      = "127.0.0.1:0"
[server]
workers = 1
drain_timeout = "0s"
[timeouts]
request_head       = "{silence}"
request_body_idle  = "{silence}"
# A client that expects to be asked for its body is, after a second at most.
response_head      = "1500ms"
response_body_idle = "{silence}"
client_idle        = "{silence}"
[[routine]]
name = "peer"
[[routine.version]]
code_version = "1"
upstream = "http://{upstream}"
[[routine.deployment]]
env = "production"
code_versions = [{{ code_version = "1", percentage = 100 }}]
"""

# What a guide would have one write: connections kept, WebSocket let through, the client's
# Host. Bodies are streamed as Serin streams them: a buffered one would hide what is
# passed on of a broken one.
NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/client;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_header_timeout {silence};
  client_body_timeout {silence};
  proxy_read_timeout {silence};
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_buffering off;
  map $http_upgrade $tunnel {{ default ""; ~*^websocket$ websocket; }}
  map $tunnel $tunnel_connection {{ default upgrade; "" ""; }}
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $tunnel;
  proxy_set_header Connection $tunnel_connection;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  {lanes}
}}
"""
NGINX_LANE = """
  upstream lane{lane} {{ server {upstream}; keepalive 8; }}
  server {{
    listen unix:{folder}/nginx{lane}.sock;
    location / {{ proxy_pass http://lane{lane}; }}
  }}
"""

HAPROXY = """
global
  maxconn 1024
defaults
  mode http
  option forwardfor
  timeout connect {silence}
  timeout client {silence}
  timeout server {silence}
  timeout http-request {silence}
  timeout http-keep-alive 10s
  timeout tunnel {silence}
{lanes}
"""
HAPROXY_LANE = """
frontend front{lane}
  bind {folder}/haproxy{lane}.sock
  default_backend back{lane}
backend back{lane}
  server only {upstream}
"""


class Serin(Program):
    """One process a lane: each has one production listener."""

    async def start(self, upstreams):
        binary = os.environ["SERIN"]
        for lane, upstream in enumerate(upstreams):
            config = self.folder / f"serin{lane}.toml"
            config.write_text(SERIN.format(upstream=upstream, silence=SILENCE))
            self.run(binary, "serve", "--config", str(config), log=f"serin{lane}.log")
        self.addresses = [
            await self.started(lambda log=f"serin{lane}.log": self.address(log), f"serin{lane}.log")
            for lane in range(len(upstreams))
        ]
        self.version = self.ask_version(binary, "--version")

    def address(self, log):
        said = (self.folder / log).read_text(errors="replace")
        served = re.search(r"serin serves.*?production=127\.0\.0\.1:(\d+)", said)
        return served and int(served[1])

    async def connect(self, lane):
        return await asyncio.open_connection("127.0.0.1", self.addresses[lane])


class Peer(Program):
    """One process for all lanes, each with a socket in its folder."""

    unpacked = "peers"

    async def serve(self, upstreams, *command, log):
        self.run(*command, log=log)
        sockets = [self.socket(lane) for lane in range(len(upstreams))]
        await self.started(lambda: all(map(os.path.exists, sockets)), log)

    def socket(self, lane):
        return f"{self.folder}/{self.name.lower()}{lane}.sock"

    async def connect(self, lane):
        return await asyncio.open_unix_connection(self.socket(lane))

    def configure(self, whole, each, upstreams):
        lanes = "".join(each.format(lane=lane, upstream=upstream, folder=self.folder)
                        for lane, upstream in enumerate(upstreams))
        config = self.folder / f"{self.name.lower()}.conf"
        # nginx would work as somebody who may not look into our folder.
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(
            whole.format(lanes=lanes, folder=self.folder, silence=SILENCE, user=user))
        return str(config)


class Nginx(Peer):
    async def start(self, upstreams):
        binary = shutil.which("nginx")
        self.version = self.ask_version(binary, "-v")
        config = self.configure(NGINX, NGINX_LANE, upstreams)
        await self.serve(upstreams, binary, "-e", "stderr", "-p", str(self.folder), "-c", config,
                         log="nginx-start.log")


class Haproxy(Peer):
    async def start(self, upstreams):
        binary = shutil.which("haproxy")
        self.version = self.ask_version(binary, "-v")
        config = self.configure(HAPROXY, HAPROXY_LANE, upstreams)
        await self.serve(upstreams, binary, "-db", "-f", config, log="haproxy.log")
