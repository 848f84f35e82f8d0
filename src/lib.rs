//! Serin is an edge request router simulator with percentage canary routing: a
//! reverse proxy that gives every user the right version of a routine, and an admin
//! endpoint, in the dialect of Alibaba Cloud ESA, that changes who gets what while
//! traffic flows.
//!
//! ```text
//! bytes ─► request ─► routine ─► sticky key ─► position ─► version ─► upstream ─► response   data plane
//!                     └─────────────────── one Decision ───────────────────┘
//! operator ─► API action ─► Command ─► catalog ─► stored ─► RoutingTable ─► swap    control plane
//! ```
//!
//! **Deciding is synchronous and pure. Carrying out is asynchronous and dumb.** The
//! data plane decides with [`routing::RoutingTable::decide`], the control plane with
//! [`control::apply`]. Neither touches a socket, a clock, a lock or a source of
//! randomness: what is drawn or counted is handed in. So both can be read, tested
//! and measured alone. The two planes meet in one object, the published table.
//!
//! # The rooms
//!
//! In reading order; `tests/it/architecture.rs` fails when this map is not true.
//!
//! | room | what lives there | may name |
//! |---|---|---|
//! | [`model`] | the nouns: names, routes, splits, routines, the catalog | |
//! | [`routing`] | from a request to a `Decision`; the table, and its one swap | `model` |
//! | [`server`] | the one accept loop behind every `serve`, and the TLS handshake | |
//! | [`observe`] | what the process says about itself, and about who comes: counts, the access log, spans | `model`, `stats` |
//! | [`tls`] | certificates: the operator's, or a local authority's | `model` |
//! | [`document`] | a TOML file that a person wrote, with every mistake by its line | |
//! | [`config`] | what the operator wrote, checked | `document`, `model` |
//! | [`proxy`] | the data plane: workers, pools, HTTP/1.1 on both sides, headers, errors | `routing`, `model`, `observe`, `server` |
//! | [`control`] | the control plane: the one writer, its rules and its store; what a deployment would do | `routing`, `model`, `observe` |
//! | [`admin`] | the listener for operators: the ESA dialect, the native API and the dashboard | `control`, `model`, `observe`, `routing`, `server` |
//! | [`backend`] | the built-in upstream that names its version | |
//! | [`client`] | the admin API from outside | |
//! | [`app`] | wiring, time, randomness, the environment | all of the above |
//! | [`stats`] | is a split what was asked for, what is to be expected: formulas with their sources | |
//! | [`population`] | seeded users: their keys, activity, regions and arrivals | |
//! | [`report`] | what people read: tables for a terminal, pages with plots | `stats` |
//! | [`operate`] | the verbs that see and steer a running Serin: tables, steps of a release, the live view | `client`, `report` |
//! | [`load`] | a load generator that does not flatter, and judges who gets which version | `client`, `population`, `report`, `stats` |
//! | [`rehearse`] | a deployment's consequences before it is made | `control`, `model`, `population`, `report`, `routing`, `stats` |
//! | [`simulate`] | an edge in virtual time: splits, operators, failures, and other systems' rules | `control`, `document`, `model`, `population`, `report`, `routing`, `stats` |
//! | [`cli`] | arguments | `document` |
//!
//! `main` names `app`, `cli`, `client`, `load`, `operate`, `rehearse` and `simulate`.
//!
//! # The laws
//!
//! 1. **One truth, one writer, one swap.** What must agree is in one
//!    [`routing::RoutingTable`], replaced whole by [`routing::TableWriter`].
//! 2. **One table a request.** [`routing::TableReader::read`] takes a closure, so that
//!    no guard outlives it or crosses an `.await`.
//! 3. **Snapshots hold values.** Pools, counters and tasks outlive tables and are found
//!    by identity: an upstream's text, a routine's slot, a version's tally.
//! 4. **Compiling cannot fail.** Every conflict is refused before it reaches the
//!    catalog.
//! 5. **Applied, stored, published, answered**, in that order, by one thread that
//!    finishes what it began even if the caller hangs up. Queries go the same way, so
//!    an operator reads what was just written.
//! 6. **The split rule is forever.** Hash, seed and order are a contract with every
//!    user; golden vectors in `tests/vectors` guard it.
//! 7. **Parse at the door.** Inside, a [`model::Percent`] is 1 to 100 and
//!    [`model::Shares`] sum to 100. Nobody checks twice.
//! 8. **A peer can never make us panic.** `expect` names an invariant of ours; it never
//!    stands on a byte that someone sent. `unsafe` is forbidden.
//! 9. **Everything has a limit**, named, with its unit.
//! 10. **Time, randomness and the environment enter in [`app`]** and travel as
//!     arguments. (Exceptions: timeouts are tokio's, `Date` is the system's, keys are
//!     drawn by the library that makes them, and users are put in the order in which they
//!     came by the system's steady clock, which also says how long requests and commits take.)
//! 11. **Wire and disk have their own shapes.** The nouns of [`model`] do not derive
//!     `Serialize`.
//!
//! # Choices
//!
//! - The table is a persistent value: texts are found in hash tables of 1,024 shards,
//!   routines in chunks of 256, and a change copies the shard and the chunk that it
//!   touches. So a lookup costs the same whatever the number of routines, and a
//!   deployment is published in microseconds among 100,000 of them.
//! - A route of a site is tried only for hosts that its rule could match, so a request
//!   meets a few of ten thousand. Where it comes from is found out for the first rule
//!   that asks. The site is the most specific one of the host, even without routes.
//! - A fallback sends a request whose version failed to an origin as it came. Its body
//!   is lent to the version's connection, and taken back if nothing of it was read.
//! - Workers share one listening socket. `SO_REUSEPORT` would give each its own, and
//!   would let a second Serin in to take half of the connections.
//!   Whoever accepts a connection gives it to a worker that serves fewer: the first to be
//!   woken would take most of what comes at once.
//! - What runs is always what one file says: a reload that needs a restart is refused
//!   whole, as one with mistakes is. A start and a reload settle declarations in the same
//!   way; a reload replaces declarations, sites and settings in one swap.
//! - A listener that closes is first shut to newcomers by a filter in the kernel, then
//!   each worker empties the queue. Without the filter, what came between the last look
//!   and the close would be reset. A socket that was passed stays open for the next Serin.
//! - How the data plane treats others, [`model::Policy`], is no part of the table: nothing
//!   in it must agree with a decision. Each worker has a copy, replaced by a reload, so
//!   that a request pays nothing for that.
//! - An upstream is one endpoint or several alike. What is spoken to one stands in its text,
//!   the wish to take any certificate too, so that equal texts are always the same pool.
//! - A plain listener tells HTTP/2 by its preface, from the bytes that the first read
//!   brings; one for TLS tells it by ALPN. Both are one service behind that.
//! - What a request is for is said by its host alone, whatever name the TLS handshake
//!   asked for: nothing depends on that name, so 421 would refuse what is harmless. A
//!   handshake for a name that no certificate is good for is refused; one without a name
//!   gets the first certificate.
//! - A client that takes less than 16 KiB of an HTTP/2 response in three times
//!   `client_idle`, while its connection has room for more, stands still, and loses that
//!   stream; one that takes back most of what it asks for loses the connection. It is not
//!   pinged, since a slow reader would meet the ping minutes later: the kernel's probes
//!   find who vanished.
//! - `limits.connections` counts clients, not their requests; whoever is one too many is
//!   told by a line written as it stands, so that it costs next to nothing. A trusted proxy
//!   has no limit of its own address.
//! - What HTTP/1.1 clients send is judged byte by byte before anybody acts on it, and read by
//!   `proxy::front`, in the one task that has it answered and writes the response. hyper's
//!   server, which was there before, forgives what others read differently and refuses
//!   without a word, so it had to be given judged bytes alone, one request at a time; it
//!   reads into a map, hands content over by a channel and looks every field up again to
//!   write it. With heads of responses told as they came, the same GET went from 32,788
//!   instructions to 22,411; one walk over a request's fields in place of a question for
//!   each, one timer a connection for the wait for responses and a cheaper look for controls
//!   made it 20,463.
//! - While a request runs, what its client says meanwhile is read and kept, to see it leave,
//!   up to 8 KiB; then its socket is looked at from time to time.
//! - A client that has asked for nothing for a second is parked: of its connection there are
//!   the socket and who it is, and no buffer: 1.6 KiB, where hyper's server held 20. The sweep
//!   tells it to, so that a request pays nothing for it, and has the allocator give back what
//!   many that are parked at once have freed: it would keep that until it next frees much.
//! - Where a GET spends what is left (callgrind): 1,300 in judging the head of the request and
//!   2,200 in making the types of `http` of it, 1,100 in the decision, 4,100 in the exchange
//!   with the upstream, 1,100 in writing the response's head; 1,500 of all are copies. A
//!   request whose fields stayed lines, as those of a response do, would be next. The kernel
//!   takes three quarters of the time, in four system calls: what is left to gain is there.
//! - Short content goes on with its head, in one write, and what is known to come of longer
//!   content is read in one piece once a read was filled: a packet costs more than a copy. A
//!   POST of 1 KiB went from 31,970 instructions to 22,062, and 100 KiB to clients from five
//!   reads and writes to two and one.
//! - Requests go to HTTP/1.1 endpoints through `proxy::http1`, and not through hyper's client,
//!   which runs a connection in a task of its own: a request goes there by a channel, wakes
//!   that task and is woken by it, and leaves a copy of its head here in case it is sent again.
//!   In `http1` the task of the request reads and writes for itself. That took a GET on
//!   connections that are kept, among 1,000 routines, from 50,258 instructions to 40,779
//!   (callgrind), and the way of a request is what Serin exists for. hyper
//!   speaks HTTP/2 on both sides, and serves admin; heads of responses are read here as its
//!   parser reads them.
//! - The head of a request stays as it came. It is told field by field, in lines of HTTP/1.1
//!   or fields of HTTP/2, as often as there are attempts to send it, so nothing is copied for
//!   those that are never made. That took the same GET to 35,380 instructions, and to look
//!   which fields of a response are to be dropped before any is, to 32,948. A response's
//!   head stays as it came, too, with a list of where its fields are and what they are to us.
//! - With clients, HTTP/2 is hyper's and h2's, and they bound it from below: of the 54,360
//!   instructions of that GET over HTTP/2, one stream at a time, 35,540 are what a bare server
//!   of theirs takes to say the same fields with nobody behind it. The answer to a request is
//!   boxed, since its future takes kilobytes, and was copied eight times on its way through
//!   hyper and tokio: the GET took 130,045.
//! - Connections to an endpoint are counted by their sockets, and those who find none free
//!   wait in order of arrival. Where HTTP/2 may be spoken one is opened at a time, and
//!   takes requests once the peer's settings have come: a burst waits for it, since it may
//!   serve them all.
//! - Idle connections, on both sides, are closed by a sweep and not by a timer each:
//!   a request registers none but the one for its response.
//! - A client that has ended its side may wait for its answer or be gone, which looks the
//!   same. It is taken for gone once nothing was said to it for a second while its request
//!   runs; in the middle of a body, or by a reset, at once. Of one whose pipelined bytes are
//!   left unread, either is looked for four times a second; an end behind more of them than
//!   the kernel takes for us is seen by nobody.
//! - Of a target, what the types of a request do not take and others serve (`<`, `>`, a
//!   backtick, quotes in a query) goes on percent-encoded.
//! - A client that waits to be asked for its body is asked when the upstream asks, or has
//!   said nothing for half a second. Other expectations than `100-continue` are passed on: the
//!   upstream may know them, and a 417 would break what works behind other proxies.
//! - Other provisional responses (102, 103) of an upstream end here. Field names are written in lower case; a map of how each was spelled
//!   would cost every request something to help peers that break RFC 9110, section 5.1.
//! - Of trailer fields, HTTP/1.1 carries those that `Trailer` announced: to clients of
//!   responses that came in chunks, if they say `TE: trailers`. HTTP/2 carries them announced
//!   or not. None may frame, route or authenticate a message.
//! - An ambiguous response is a 502, also where RFC 9112 says how it could be read: chunks
//!   beside a length are refused and not read as chunks. Equal lengths become one. An
//!   empty line may precede a request (section 2.2) and no response: that is a 502, too.
//! - An upstream that has answered gets the rest of an upload for as long as it takes it;
//!   one that takes none is left, and the client heard out; of one that speaks HTTP/2 the rest
//!   of the upload waits for `request_body_idle`. Neither connection is pooled.
//! - Limits on bodies are on silences. A client, of admin too, that takes nothing of its
//!   response is given up after three times `client_idle`, because the window of a slow one
//!   opens in steps that are two minutes apart at 1 KiB/s on loopback. That is told beneath
//!   TLS, which takes what the client has not.
//! - A request that has been through Serin eight times goes in a circle.
//! - A line of the access log is made where the request ends, in a buffer of the worker: it
//!   borrows all that it says, and a batch of 64 costs one hand-over. To carry the values to the
//!   thread that writes would copy them twice. What of others stands in it is visible ASCII.
//! - A log has no key: SipHash-2-4, under a secret that is drawn at the start, of the hash by
//!   which users are counted. Whoever has the log cannot try keys against that. The bucket of
//!   a key they can, for the rule that places keys is known: it is one of ten thousand, and
//!   each release has another.
//! - OTLP is opentelemetry's messages (`opentelemetry-proto`) and a POST of our own. Its SDK and
//!   exporter would bring a queue whose losses cannot be read, retries that sleep, and settings
//!   from the environment.
//! - `traceparent` is looked at only where a log or a collector wants to know.
//! - A request has a passage, from its head to the last byte of its response, and dropping that
//!   tells `Worker::complete` in `proxy`: so every request is told once, however it ended. What is
//!   counted there is written to cells that one worker writes and others read, without a lock
//!   and without an addition that others would see. Whoever asks for a pooled connection, waits
//!   for a head or is idle again is told the time, so that the clock is read no more often than
//!   it was without all that.
//! - Versions are counted one by one up to a bound, and others together: what a scrape costs does
//!   not grow with the number of routines.
//! - The code of versions and the history of deployments are in the store alone; the
//!   catalog holds what matters to a request or a decision. Without `[store]` the store
//!   is the same SQLite, in memory.
//! - Who is asking is told in one place for both dialects, `admin::signature`. Of a
//!   signed request everything must be signed that is read: `host`, every `x-acs-*`,
//!   the type of a body, what a change depends on; no field or parameter of it may come twice. Serin's own
//!   clients sign too, so a secret travels only where a person sends it as a bearer.
//! - The account that callers meet is two things: its quotas are in the catalog, since
//!   only the one writer can count what it makes; what it refuses, and how late it
//!   answers, is `admin::account`. Neither is stored: a start takes the config's, and
//!   a reload if it has changed.
//! - What the native API serves is one list of operations, and the types of their handlers
//!   say what the document says (`schemars` for the shapes). The crates that do the rest, too,
//!   want extractors of their own kind, or each answer told a second time beside its handler.
//! - An entity tag is the hash of what a GET answers: there is no revision to store, and none
//!   that a restart could give twice. What a caller wants to be so travels to the one writer as
//!   a function of the catalog, so the check and the change are one step, and control knows
//!   nothing of HTTP.
//! - Under an `Idempotency-Key` what was made is remembered, in memory alone, and no refusal:
//!   that changed nothing, and whoever mends its cause wants the same request to work.
//! - A gateway knows its actions before its callers: an unknown action is told to
//!   everybody, anything else to those who are known.
//! - A version is an upstream. Of one that is uploaded as a zip the code is kept and the
//!   assets are counted; of a secret variable only that it is there.
//! - The dashboard is the page's own paths and the native API: hand-written files that the
//!   binary holds, under a path with their digest, so that they are read once and never mixed.
//!   Its stream tells a viewer of what it looks at and has changed; it is read by `fetch`, since
//!   an `EventSource` cannot say who asks. A link from another site may lead to the page, which
//!   holds nothing and cannot be framed; everything else it is refused.
//! - Shares over time are shares of users, in the band of the sample-ratio check. Of requests
//!   there is no such band: one user makes many.
//! - Used nonces are bounded by key. A full memory refuses (Throttling.User) and
//!   forgets nothing that counts, since that would let a request in twice.
//! - A route without a path means the path `/`, as it does in ESA's own tools; `serin
//!   check` warns of it.
//! - `operate` has no copy of the split rule: which of two live versions is the newer one is
//!   asked of Serin, as `/api/v1/explain` tells it. What people read of the API's answers is
//!   in `operate`; `client` speaks and names nobody.
//! - `serin top` asks in a thread of its own, so that no key waits for an answer. It lists a
//!   thousand routines at most, the rest is for its search, and asks closely about those on
//!   the screen alone.
//! - `load` is a judge, so it has the split rule, the reading of responses and what is deployed
//!   from elsewhere than the rooms that it judges. A thread of it is one runtime in which a
//!   connection is a task; a request allocates nothing, sets no timer, and is told from others
//!   by 32 bits for each user. Its tickets come from a timer of the kernel: that of the runtime
//!   counts in milliseconds. Of the 5,945 instructions of a request (callgrind; HTTP/1.1, sent
//!   when answered) 3,150 read the head of the response, 830 judge and count it, 580 read from
//!   the socket, and 440 draw the user; the kernel takes several times as long.
//! - A request of `load` that fails is booked to the version that was to answer it: the one of
//!   the rule, or else the last one of its user. Without that a version that hangs would look
//!   fast, since only its good answers counted, and the split would look wrong, since users
//!   who are never answered are missing in it.
//! - Users are handed to the sample-ratio check of `load` in the order in which they were asked
//!   for. In the order of their answers those of a slower version come late, and an honest
//!   split would raise the alarm.

pub mod admin;
pub mod app;
pub mod backend;
pub mod cli;
pub mod client;
pub mod config;
pub mod control;
pub mod document;
pub mod load;
pub mod model;
pub mod observe;
pub mod operate;
pub mod population;
pub mod proxy;
pub mod rehearse;
pub mod report;
pub mod routing;
pub mod server;
pub mod simulate;
pub mod stats;
pub mod tls;
