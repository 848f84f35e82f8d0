//! Both ends of a connection, as cheap as can be: what stands between them is what
//! a comparison of two ways measures.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nHello, world!";
const REQUEST: &[u8] =
    b"GET /hello HTTP/1.1\r\nhost: shop.localhost\r\nx-serin-key: user-42\r\n\r\n";

/// Answers every request that ends in an empty line, for as long as the process
/// lives: a thread a connection.
pub(crate) fn responder() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || respond(stream));
        }
    });
    address
}

fn respond(mut stream: TcpStream) {
    drop(stream.set_nodelay(true));
    let mut head = Vec::with_capacity(4_096);
    let mut part = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut part) {
        head.extend_from_slice(&part[..count]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(RESPONSE).is_err() {
                return;
            }
        }
    }
}

/// A kept connection that asks one thing at a time.
pub(crate) struct Client {
    stream: TcpStream,
    part: [u8; 4_096],
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_nodelay(true).expect("the socket is open");
        Self { stream, part: [0; 4_096] }
    }

    pub(crate) fn ask(&mut self) {
        self.stream.write_all(REQUEST).expect("the peer reads");
        // The body is the last thing of either response, and comes whole.
        let mut len = 0;
        while !self.part[..len].ends_with(b"Hello, world!") {
            let count = self.stream.read(&mut self.part[len..]);
            len += count.ok().filter(|&count| count > 0).expect("the peer answers");
        }
        assert!(self.part.starts_with(b"HTTP/1.1 200"), "every answer is a good one");
    }
}
