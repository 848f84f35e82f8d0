//! An upstream that follows a script, and remembers what it was told.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use socket2::Socket;

use super::WAIT_MAX;
use super::raw::{chunk_of, head_of, headers};

/// A server on a free port or a socket file.
pub(crate) struct Upstream {
    url: String,
    log: Arc<Log>,
    listener: Arc<Socket>,
}

#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// One accepted connection, in the hands of its script. It closes when the script
/// ends.
pub(crate) struct Visit {
    /// From 0, in the order of arrival.
    pub(crate) number: usize,
    socket: BufReader<Socket>,
    log: Arc<Log>,
}

impl Upstream {
    /// Plays `script` for each connection, on a thread of its own.
    pub(crate) fn new(script: impl Fn(&mut Visit) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::on(listener.into(), url, script)
    }

    pub(crate) fn unix(path: &Path, script: impl Fn(&mut Visit) + Send + Sync + 'static) -> Self {
        let url = format!("unix:{}", path.display());
        Self::on(UnixListener::bind(path).unwrap().into(), url, script)
    }

    /// The same, with next to no room for what it does not read.
    pub(crate) fn narrow(script: impl Fn(&mut Visit) + Send + Sync + 'static) -> Self {
        let listener = Socket::from(TcpListener::bind("127.0.0.1:0").unwrap());
        // The other side makes its room for as many segments as it may send at first.
        listener.set_tcp_mss(536).unwrap();
        listener.set_recv_buffer_size(4 << 10).unwrap();
        // A reset would take along what waits for an acknowledgement.
        listener.set_tcp_nodelay(true).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        Self::on(listener, format!("http://{address}"), script)
    }

    /// Gives every request this response.
    pub(crate) fn saying(response: impl Into<String>) -> Self {
        let response = response.into();
        Self::new(move |visit| visit.say_to_each(&response))
    }

    fn on(
        listener: Socket,
        url: String,
        script: impl Fn(&mut Visit) + Send + Sync + 'static,
    ) -> Self {
        let (log, script) = (Arc::new(Log::default()), Arc::new(script));
        let listener = Arc::new(listener);
        let (accepting, noting) = (listener.clone(), log.clone());
        std::thread::spawn(move || {
            while let Ok((socket, _)) = accepting.accept() {
                if *noting.stopped.lock().unwrap() {
                    break;
                }
                socket.set_read_timeout(Some(WAIT_MAX)).unwrap();
                socket.set_write_timeout(Some(WAIT_MAX)).unwrap();
                let mut visit = Visit {
                    number: noting.connections.fetch_add(1, Ordering::SeqCst),
                    socket: BufReader::new(socket),
                    log: noting.clone(),
                };
                let script = script.clone();
                std::thread::spawn(move || script(&mut visit));
            }
        });
        Self { url, log, listener }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// The requests so far, raw: heads, and bodies where the script read them.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.log.requests.lock().unwrap().clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        *self.log.stopped.lock().unwrap() = true;
        self.log.stop.notify_all();
        // Wakes the thread that accepts.
        drop(self.listener.shutdown(std::net::Shutdown::Both));
    }
}

impl Visit {
    /// Reads the head of a request; `None` when there is no other.
    pub(crate) fn head(&mut self) -> Option<String> {
        let head = head_of(&mut self.socket).ok()??;
        self.log.requests.lock().unwrap().push(head.clone());
        Some(head)
    }

    /// Reads a request to its end; `None` when there is no other.
    pub(crate) fn request(&mut self) -> Option<String> {
        let mut request = self.head()?.into_bytes();
        let head = String::from_utf8_lossy(&request).into_owned();
        if let Some(length) = headers(&head, "content-length").first() {
            request.extend(self.bytes(length.parse().unwrap())?);
        } else if headers(&head, "transfer-encoding") == ["chunked"] {
            while !request.ends_with(b"\r\n0\r\n\r\n") {
                request.extend(chunk_of(&mut self.socket).ok()?);
            }
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        self.note(&request);
        Some(request)
    }

    /// Replaces what is known of the last request by all of it.
    fn note(&self, request: &str) {
        let mut requests = self.log.requests.lock().unwrap();
        requests.last_mut().unwrap().replace_range(.., request);
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.socket.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The next chunk, as it is on the wire.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        chunk_of(&mut self.socket).ok()
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        // The proxy may be gone; what the client sees tells.
        drop(self.socket.get_mut().write_all(bytes.as_ref()));
    }

    pub(crate) fn say_to_each(&mut self, response: &str) {
        while self.request().is_some() {
            self.say(response);
        }
    }

    /// Writes until nothing more is taken for `patience`: how much was.
    pub(crate) fn say_until_blocked(&mut self, bytes: &[u8], patience: Duration) -> usize {
        write_until_blocked(self.socket.get_mut(), bytes, patience)
    }

    /// Waits until the proxy closes the connection; false when it speaks instead,
    /// or does nothing for too long.
    pub(crate) fn sees_end(&mut self) -> bool {
        match self.socket.read(&mut [0]) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Whether the proxy closes the connection this soon.
    pub(crate) fn sees_end_within(&mut self, time: Duration) -> bool {
        self.socket.get_ref().set_read_timeout(Some(time)).unwrap();
        let ended = self.sees_end();
        let patient = self.socket.get_ref().set_read_timeout(Some(WAIT_MAX));
        patient.unwrap();
        ended
    }

    /// Leaves what comes unread until the proxy gives up.
    pub(crate) fn sees_bytes_but_reads_none(&mut self) {
        let stopped = self.log.stopped.lock().unwrap();
        let running = |stopped: &mut bool| !*stopped;
        drop(self.log.stop.wait_timeout_while(stopped, WAIT_MAX, running));
    }

    /// Reads what comes, behind what was read already.
    pub(crate) fn reader(&mut self) -> &mut impl Read {
        &mut self.socket
    }

    /// Whether anything comes this soon. It can still be read.
    pub(crate) fn hears_within(&mut self, time: Duration) -> bool {
        self.socket.get_ref().set_read_timeout(Some(time)).unwrap();
        let heard = self.socket.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        self.socket.get_ref().set_read_timeout(Some(WAIT_MAX)).unwrap();
        heard
    }

    /// Waits for the proxy to break off the connection, which it may have ended already.
    pub(crate) fn breaks_off(&mut self) -> bool {
        let end = Instant::now() + WAIT_MAX;
        while Instant::now() < end {
            if self.stream().take_error().unwrap().is_some() {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    pub(crate) fn stream(&self) -> &Socket {
        self.socket.get_ref()
    }

    /// Closes now, before the script ends.
    pub(crate) fn hang_up(&mut self) {
        let free = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        self.socket = BufReader::new(free.unwrap());
    }

    /// Makes the end of the script a reset and not a close.
    pub(crate) fn reset_at_end(&mut self) {
        self.socket.get_ref().set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// Writes until nothing more is taken for `patience`: how much was.
pub(crate) fn write_until_blocked(socket: &mut Socket, bytes: &[u8], patience: Duration) -> usize {
    socket.set_write_timeout(Some(patience)).unwrap();
    let mut written = 0;
    while written < bytes.len() {
        match socket.write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    socket.set_write_timeout(Some(WAIT_MAX)).unwrap();
    written
}
