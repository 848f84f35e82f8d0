//! Heads of responses, read line by line.

use bytes::{Bytes, BytesMut};
use http::{StatusCode, Version};
use memchr::memchr;

use super::broken::Broken;
use super::response::Parsed;
use crate::proxy::reply::{Came, Known, Lines, Places, Reply};
use crate::proxy::wire::{control_in, lower_token};

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadMax {
    pub(super) bytes: usize,
    pub(super) fields: usize,
}

/// A head that is read line by line, as its lines become whole.
///
/// What is read here is what `httparse` reads, and so hyper: a line feed alone ends a
/// line, a reason may be missing. Names of fields become lower case where they stand.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Where the first line begins that was not read.
    line: usize,
    /// Up to where that line has no end.
    searched: usize,
    /// The status line, once that was read.
    start: Option<(Version, u16)>,
    places: Places,
}

impl Reader {
    /// Takes a head from `read`, which begins where it begins and holds all that was shown
    /// before; `None` while its end is missing.
    pub(super) fn take(
        &mut self,
        read: &mut BytesMut,
        max: HeadMax,
    ) -> Result<Option<Parsed>, Broken> {
        while let Some(found) = memchr(b'\n', &read[self.searched..]) {
            let (begin, end) = (self.line, self.searched + found);
            if end >= max.bytes {
                return Err(Broken::HeadTooLarge);
            }
            (self.line, self.searched) = (end + 1, end + 1);
            let line = &mut read[begin..end];
            let is_empty = matches!(&*line, b"" | b"\r");
            match self.start {
                Some(start) if is_empty => {
                    let head = read.split_to(end + 1).freeze();
                    return std::mem::take(self).whole(start, head).map(Some);
                }
                Some(_) => self.field(line, begin, max)?,
                None if is_empty => {
                    return Err(Broken::Head("it does not begin with a status line"));
                }
                None => self.start = Some(self.status_line(line)?),
            }
        }
        self.searched = read.len();
        if read.len() > max.bytes {
            return Err(Broken::HeadTooLarge);
        }
        Ok(None)
    }

    /// RFC 9112, section 4.
    fn status_line(&mut self, line: &[u8]) -> Result<(Version, u16), Broken> {
        let (version, rest) = match line.split_first_chunk() {
            Some((b"HTTP/1.1", rest)) => (Version::HTTP_11, rest),
            Some((b"HTTP/1.0", rest)) => (Version::HTTP_10, rest),
            _ if line.starts_with(b"\r") => return Err(httparse::Error::NewLine.into()),
            _ => return Err(httparse::Error::Version.into()),
        };
        let rest = rest.strip_prefix(b" ").ok_or(httparse::Error::Version)?;
        let (code, reason) = rest.split_first_chunk::<3>().ok_or(httparse::Error::Status)?;
        if !code.iter().all(u8::is_ascii_digit) {
            return Err(httparse::Error::Status.into());
        }
        let [hundreds, tens, ones] = code.map(|digit| u16::from(digit - b'0'));
        let reason = without_return(reason);
        let reason = match reason.strip_prefix(b" ") {
            Some(reason) => reason,
            None if reason.is_empty() => reason,
            None => return Err(httparse::Error::Status.into()),
        };
        if control_in(reason).is_some() {
            return Err(httparse::Error::Status.into());
        }
        // Of a text in another alphabet nobody knows which one that is.
        if reason.is_ascii() {
            // Before it are the version, the code and two blanks.
            let start = line.len() - rest.len() + code.len() + 1;
            let end = start + reason.len();
            self.places.set_reason(start..end).ok_or(Broken::HeadTooLarge)?;
        }
        Ok((version, hundreds * 100 + tens * 10 + ones))
    }

    /// RFC 9112, section 5, of a line that begins `at`.
    fn field(&mut self, line: &mut [u8], at: usize, max: HeadMax) -> Result<(), Broken> {
        let name_len = lower_token(line);
        let (name, rest) = line.split_at(name_len);
        let Some(rest) = rest.strip_prefix(b":").filter(|_| name_len > 0) else {
            let is_return = rest.first() == Some(&b'\r') && name_len == 0;
            let error =
                if is_return { httparse::Error::NewLine } else { httparse::Error::HeaderName };
            return Err(error.into());
        };
        let rest = without_return(rest);
        if control_in(rest).is_some() {
            return Err(httparse::Error::HeaderValue.into());
        }
        if self.places.len() == max.fields {
            return Err(Broken::HeadTooLarge);
        }
        // Controls are none in it, so these are blanks (RFC 9110, section 5.6.3).
        let value = rest.trim_ascii_start();
        let start = at + name_len + 1 + rest.len() - value.len();
        let value = start..start + value.trim_ascii_end().len();
        let added = self.places.add(Known::of(name), at..at + name_len, value);
        added.ok_or(Broken::Head("the name of a field is none"))
    }

    /// What a whole head says.
    fn whole(self, (version, code): (Version, u16), head: Bytes) -> Result<Parsed, Broken> {
        let status = StatusCode::from_u16(code);
        let status = status.map_err(|_| Broken::Head("its status is none"))?;
        let fields = Came::Lines(Lines::new(head, self.places));
        Ok(Parsed::of(Reply { status, version, fields }))
    }
}

/// A line without the carriage return before its end.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Refuses the beginning of what will be no head, so that its end is not waited for.
pub(super) fn judge(beginning: &[u8], fields_max: usize) -> Result<(), Broken> {
    let mut fields = vec![httparse::EMPTY_HEADER; fields_max];
    match httparse::Response::new(&mut fields).parse(beginning) {
        Ok(_) => Ok(()),
        Err(httparse::Error::TooManyHeaders) => Err(Broken::HeadTooLarge),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const MAX: HeadMax = HeadMax { bytes: 1 << 10, fields: 4 };

    /// What is read of bytes that come all at once.
    fn parsed(head: &str) -> Result<Parsed, Broken> {
        let mut read = BytesMut::from(head);
        let parsed = Reader::default().take(&mut read, MAX)?.expect("its end is there");
        assert!(read.is_empty(), "{head}");
        Ok(parsed)
    }

    /// What httparse makes of the same, in words.
    fn by_httparse(head: &[u8], fields_max: usize) -> Result<String, String> {
        let mut fields = vec![httparse::EMPTY_HEADER; fields_max];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(head) {
            Ok(httparse::Status::Complete(len)) => assert_eq!(len, head.len()),
            // An empty line may precede a request, and no response.
            Ok(httparse::Status::Partial) => return Err("no status line".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let reason = response.reason.unwrap().as_bytes().escape_ascii();
        let start = [
            response.version.unwrap().to_string(),
            response.code.unwrap().to_string(),
            reason.to_string(),
        ];
        let fields = response.headers.iter().map(|field| {
            format!("{}: {}", field.name.to_ascii_lowercase(), field.value.escape_ascii())
        });
        Ok(start.into_iter().chain(fields).collect::<Vec<_>>().join("|"))
    }

    fn read_here(head: &[u8], fields_max: usize) -> Result<String, String> {
        let max = HeadMax { bytes: usize::MAX, fields: fields_max };
        match Reader::default().take(&mut BytesMut::from(head), max) {
            Ok(parsed) => {
                let Reply { status, version, fields } = parsed.expect("its end is there").reply;
                let Came::Lines(lines) = fields else { panic!("they came in lines") };
                let minor = u8::from(version == Version::HTTP_11);
                let reason = lines.reason().escape_ascii();
                let start = [minor.to_string(), status.as_u16().to_string(), reason.to_string()];
                let fields = lines.iter().map(|(known, name, value)| {
                    assert_eq!(known, Known::of(name));
                    format!("{}: {}", name.escape_ascii(), value.escape_ascii())
                });
                Ok(start.into_iter().chain(fields).collect::<Vec<_>>().join("|"))
            }
            Err(Broken::Unparsed(error)) => Err(error.to_string()),
            Err(Broken::HeadTooLarge) => Err(httparse::Error::TooManyHeaders.to_string()),
            Err(_) => Err("no status line".to_owned()),
        }
    }

    proptest! {
        #[test]
        fn what_is_read_and_what_is_refused_is_so_by_httparse(
            bytes in proptest::collection::vec(
                prop_oneof![
                    8 => select(b"aZ-0 \t:,\r\x80\x7f".to_vec()),
                    2 => Just(b'\n'),
                    1 => any::<u8>(),
                ],
                0..40,
            ),
            begin in select(vec![
                "", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.0 404 Not", "HTTP/1.1 200\n",
                "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX-A", "HTTP/1.1 200 OK\r\nA:b\r\nC:",
            ]),
            end in select(vec!["\r\n\r\n", "\n\n", "\n\r\n"]),
        ) {
            let mut head = [begin.as_bytes(), &bytes, end.as_bytes()].concat();
            // Up to the first end of a head that there is in it.
            let lines = head.split_inclusive(|&byte| byte == b'\n');
            let mut len = 0;
            for line in lines {
                len += line.len();
                if matches!(line, b"\n" | b"\r\n") {
                    break;
                }
            }
            head.truncate(len);
            for fields_max in [1, 4] {
                let there = by_httparse(&head, fields_max);
                // A status that is none is no matter of theirs.
                let is_low = there.as_ref().is_ok_and(|words| {
                    words.split('|').nth(1).is_some_and(|code| code.len() < 3)
                });
                let there = if is_low { Err("no status line".to_owned()) } else { there };
                prop_assert_eq!(read_here(&head, fields_max), there, "{}", head.escape_ascii());
            }
        }
    }

    #[test]
    fn a_head_ends_behind_its_empty_line_wherever_it_is_cut() {
        for head in ["HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n"] {
            let bytes = [head, "\r\n\r\n"].concat().into_bytes();
            for cut in 0..head.len() {
                let (mut reader, mut read) = (Reader::default(), BytesMut::from(&bytes[..cut]));
                assert!(reader.take(&mut read, MAX).unwrap().is_none(), "{cut}");
                assert!(judge(&bytes[..cut], 4).is_ok());
                read.extend_from_slice(&bytes[cut..]);
                let reply = reader.take(&mut read, MAX).unwrap().unwrap().reply;
                let Came::Lines(lines) = reply.fields else { panic!("they came in lines") };
                assert!(lines.iter().eq([(Known::Other, &b"a"[..], &b"b"[..])]));
                assert_eq!(read, "\r\n\r\n");
            }
        }
    }

    #[test]
    fn a_head_is_no_larger_than_it_may_be() {
        let head = "HTTP/1.1 200 OK\r\na: b\r\n\r\n";
        for cut in [head.len(), head.len() - 3] {
            let bytes = head.len() - 1;
            let taken = |bytes| {
                let mut read = BytesMut::from(&head[..cut]);
                Reader::default().take(&mut read, HeadMax { bytes, fields: 1 })
            };
            assert!(taken(head.len()).is_ok());
            assert!(matches!(taken(bytes.min(cut - 1)), Err(Broken::HeadTooLarge)), "{cut}");
        }
    }

    #[test]
    fn what_will_be_no_head_is_known_early() {
        for beginning in ["SSH-2.0-", "HTTP/2", "\0", "HTTP/1.1 abc", "HTTP/1.1 200 OK\r\na b"] {
            assert!(judge(beginning.as_bytes(), 4).is_err(), "{beginning}");
        }
    }

    #[test]
    fn a_head_has_a_status_a_reason_and_fields() {
        let head = parsed("HTTP/1.0 299 Fine\r\nA:  b \r\nset-cookie: 1\r\nSet-Cookie: 2\r\n\r\n");
        let Parsed { reply, persists } = head.unwrap();
        assert_eq!((reply.status.as_u16(), reply.version), (299, Version::HTTP_10));
        let Came::Lines(lines) = reply.fields else { panic!("they came in lines") };
        assert_eq!((lines.reason(), lines.len()), (&b"Fine"[..], 3));
        let (_, name, value) = lines.iter().next().unwrap();
        assert_eq!((name, value), (&b"a"[..], &b"b"[..]));
        assert!(!persists);
        for none in [
            "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(parsed(none).is_err(), "{none:?}");
        }
        let many = parsed("HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n");
        assert!(matches!(many, Err(Broken::HeadTooLarge)));
    }
}
