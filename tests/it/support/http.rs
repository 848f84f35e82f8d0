//! A small HTTP/1.1 client over one kept connection, which trusts nobody: every
//! wait has a limit in time, and what it cannot parse fails the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::WAIT_MAX;

/// A connection to one address.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
}

/// A response, its field names in lower case.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, WAIT_MAX)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(WAIT_MAX))?;
        stream.set_write_timeout(Some(WAIT_MAX))?;
        Ok(Self { stream: BufReader::new(stream), line: Vec::new() })
    }

    /// `GET /` of `host` with these field lines.
    pub(crate) fn get(&mut self, host: &str, fields: &[(&str, &str)]) -> std::io::Result<Response> {
        let mut request = vec!["GET / HTTP/1.1\r\nhost: ", host, "\r\n"];
        for (name, value) in fields {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push("\r\n");
        let request = request.concat();
        self.exchange(request.as_bytes())
    }

    /// A request with a JSON body, as the native API takes it.
    pub(crate) fn json(
        &mut self,
        method: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> std::io::Result<Response> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.exchange(
            format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        )
    }

    /// A request, as it is written.
    pub(crate) fn send(&mut self, request: &str) -> std::io::Result<Response> {
        self.exchange(request.as_bytes())
    }

    fn exchange(&mut self, request: &[u8]) -> std::io::Result<Response> {
        self.stream.get_mut().write_all(request)?;
        let status_line = self.read_line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut response = Response {
            status: status.ok_or_else(|| std::io::Error::other(status_line.clone()))?,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let line = self.read_line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        response.body.resize(length, 0);
        self.stream.read_exact(&mut response.body)?;
        Ok(response)
    }

    fn read_line(&mut self) -> std::io::Result<String> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line)?;
        if self.line.pop() != Some(b'\n') {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&self.line).trim_end_matches('\r').to_owned())
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}
