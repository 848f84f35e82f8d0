"""The cases, by subject."""

from cases import (
    chunks, codings, connections, fields, hosts, lengths, lines, methods, ordinary, replies,
    responses, targets, upgrades, upstreams, versions,
)

GROUPS = [
    module.GROUP for module in (
        ordinary, lines, targets, hosts, versions, lengths, codings, fields, chunks, connections,
        methods,
        upgrades, responses, replies, upstreams,
    )
]
