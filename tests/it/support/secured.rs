//! An upstream behind TLS that follows a script, record by record.

use std::io::{BufReader, Read, Write};

use rustls::{ServerConnection, StreamOwned};
use socket2::Socket;

use super::raw::{head_of, headers};
use super::upstream::{Upstream, Visit};
use super::web::Identity;

/// One accepted connection, once both sides have agreed on HTTP/1.1.
pub(crate) struct Secured<'v> {
    visit: &'v mut Visit,
    stream: BufReader<StreamOwned<ServerConnection, Socket>>,
}

/// The script of an upstream that shakes hands, and plays `script` after that.
pub(crate) fn behind_tls(
    script: impl Fn(Secured<'_>) + Send + Sync + 'static,
) -> impl Fn(&mut Visit) + Send + Sync + 'static {
    let config = Identity::of(&["127.0.0.1"]).speaking(&["http/1.1"]).tls.unwrap();
    move |visit| {
        let mut session = ServerConnection::new(config.clone()).unwrap();
        let mut socket = visit.stream().try_clone().unwrap();
        while session.is_handshaking() {
            // The proxy may be gone; what the client sees tells.
            if session.complete_io(&mut socket).is_err() {
                return;
            }
        }
        let stream = BufReader::new(StreamOwned::new(session, socket));
        script(Secured { visit, stream });
    }
}

/// How to reach it for who takes any certificate.
pub(crate) fn insecure(upstream: &Upstream) -> String {
    format!("https+insecure://{}", upstream.authority())
}

impl Secured<'_> {
    /// Reads the head of a request; `None` when there is no other.
    pub(crate) fn head(&mut self) -> Option<String> {
        head_of(&mut self.stream).ok()?
    }

    /// Reads a request to its end; `None` when there is no other. It has no chunks.
    pub(crate) fn request(&mut self) -> Option<String> {
        let head = self.head()?;
        let length = headers(&head, "content-length").first().map(|length| length.parse());
        let mut body = vec![0; length.transpose().unwrap().unwrap_or(0)];
        self.stream.read_exact(&mut body).ok()?;
        Some(head + &String::from_utf8_lossy(&body))
    }

    /// Says this in one record.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.write(bytes.as_ref(), false);
    }

    /// Says this, and in the same breath that it is all.
    pub(crate) fn say_last(&mut self, bytes: impl AsRef<[u8]>) {
        self.write(bytes.as_ref(), true);
    }

    fn write(&mut self, bytes: &[u8], is_last: bool) {
        let StreamOwned { conn: session, sock: socket } = self.stream.get_mut();
        session.writer().write_all(bytes).unwrap();
        if is_last {
            session.send_close_notify();
        }
        let mut records = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut records).unwrap();
        }
        drop(socket.write_all(&records));
    }

    /// Breaks off the connection, now.
    pub(crate) fn reset(self) {
        self.visit.reset_at_end();
        drop(self.stream);
        self.visit.hang_up();
    }

    /// Waits until the proxy ends the connection, or speaks.
    pub(crate) fn sees_end(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0]), Ok(1))
    }
}
