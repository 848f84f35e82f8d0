//! A client that says exactly these bytes, and reads with a limit on its patience.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::WAIT_MAX;

/// One connection to the proxy.
pub(crate) struct Client(BufReader<TcpStream>);

/// A response as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, WAIT_MAX).unwrap();
        stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
        stream.set_write_timeout(Some(WAIT_MAX)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    /// Reads what comes, behind what was read already.
    pub(crate) fn reader(&mut self) -> &mut impl Read {
        &mut self.0
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Sends a GET for host `shop.test` with these further lines.
    pub(crate) fn get(&mut self, path: &str, lines: &[&str]) -> Answer {
        self.send(request("GET", path, lines)).answer()
    }

    /// Reads the head of a response.
    pub(crate) fn head(&mut self) -> Answer {
        self.try_head().unwrap()
    }

    /// Reads a whole response to anything but HEAD.
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer().unwrap()
    }

    pub(crate) fn try_answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.try_head()?;
        if matches!(answer.status, 100..=199 | 204 | 304) {
            return Ok(answer);
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let chunk = self.try_chunk()?;
                if chunk.is_empty() {
                    return Ok(answer);
                }
                answer.body.extend(chunk);
            }
        }
        match answer.header("content-length") {
            Some(length) => {
                answer.body = vec![0; length.parse().unwrap()];
                self.0.read_exact(&mut answer.body)?;
            }
            None => drop(self.0.read_to_end(&mut answer.body)?),
        }
        Ok(answer)
    }

    fn try_head(&mut self) -> io::Result<Answer> {
        let head = head_of(&mut self.0)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok(Answer {
            status: status.unwrap_or_else(|| panic!("no response: {head}")),
            head,
            body: Vec::new(),
        })
    }

    /// The next chunk of a chunked body; empty at its end.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        self.try_chunk().unwrap()
    }

    fn try_chunk(&mut self) -> io::Result<Vec<u8>> {
        let raw = chunk_of(&mut self.0)?;
        let start = raw.iter().position(|&b| b == b'\n').unwrap() + 1;
        Ok(raw[start..raw.len() - 2].to_vec())
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// What comes until the proxy closes, which it must.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => rest,
        }
    }

    /// Asserts that the proxy closes without another word.
    pub(crate) fn expect_end(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.rest()), "");
    }
}

impl Answer {
    /// The first line of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        headers(&self.head, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A request without a body, for host `shop.test`.
pub(crate) fn request(method: &str, path: &str, lines: &[&str]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: shop.test\r\n");
    for line in lines {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head + "\r\n"
}

/// The values of all lines of that name in a head.
pub(crate) fn headers<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// A head with its empty line; `None` when the stream ended before it began.
pub(crate) fn head_of(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return if head.is_empty() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// One chunk as it is on the wire. The last one must come without trailers.
pub(crate) fn chunk_of(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    if reader.read_until(b'\n', &mut raw)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let size = std::str::from_utf8(&raw).unwrap().trim();
    let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("no chunk: {size:?}"));
    let start = raw.len();
    raw.resize(start + size + 2, 0);
    reader.read_exact(&mut raw[start..])?;
    assert!(raw.ends_with(b"\r\n"), "a chunk ends with a line break");
    Ok(raw)
}
