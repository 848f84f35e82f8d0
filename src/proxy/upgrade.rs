//! Requests that ask to go on in another protocol (RFC 9110, section 7.8): which may,
//! and when both sides have agreed.

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Version, request};

use super::answer::Answer;
use super::body::Body;
use super::connect::Socket;
use super::error::ProxyError;
use super::fields::{elements, names};
use super::headers::Back;
use super::pool::Lease;
use super::reply::{Known, Reply};
use super::responses::Length;
use crate::model::Upgrades;

/// The one protocol that says with which method it is asked for (RFC 6455, section 4.1).
const WEBSOCKET: &str = "websocket";

/// The protocol that a request asks to go on in, and may.
pub(super) struct Asked(HeaderValue);

/// The upstream's side of a connection on which HTTP has ended.
pub(super) struct Switched {
    pub(super) socket: Socket,
    /// What came right behind the response.
    pub(super) read: Bytes,
}

impl Asked {
    /// The first protocol of those that `request` names which is allowed. Whatever else
    /// it asks for is not heard: it is served as HTTP/1.1.
    pub(super) fn of(request: &request::Parts, upgrades: &Upgrades) -> Option<Self> {
        // RFC 9110, section 7.8: not in HTTP/1.0, and only where `Connection` says so.
        if !request.headers.contains_key(UPGRADE)
            || request.version != Version::HTTP_11
            || !names(&request.headers, CONNECTION, "upgrade")
        {
            return None;
        }
        let may = |asked: &&[u8]| {
            let allowed = |name: &&String| name.as_bytes().eq_ignore_ascii_case(asked);
            let protocol = upgrades.protocols.iter().find(allowed)?;
            (protocol != WEBSOCKET || request.method == Method::GET).then_some(protocol)
        };
        let protocol = protocols(&request.headers).find_map(|asked| may(&asked))?;
        HeaderValue::from_str(protocol).ok().map(Self)
    }

    /// What `Upgrade` says.
    pub(super) fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether `response` goes on in this very protocol. Some servers leave `Connection`
    /// out, and none can mean anything else by that; one that says something else there
    /// is not understood.
    fn is_agreed(&self, reply: &Reply) -> bool {
        let protocols = reply.elements(Known::Upgrade);
        let mut said = protocols.filter(|protocol| !protocol.is_empty());
        reply.version == Version::HTTP_11
            && said.next().is_some_and(|said| said.eq_ignore_ascii_case(self.0.as_bytes()))
            && said.next().is_none()
            && (!reply.has(Known::Connection) || reply.names(Known::Connection, "upgrade"))
    }
}

/// What becomes of a 101: the response to the client, which carries the upstream's side.
pub(super) fn switch(
    asked: Option<Asked>,
    reply: Reply,
    lease: Lease,
) -> Result<Answer, ProxyError> {
    let Some(asked) = asked else {
        return Err(ProxyError::Switched);
    };
    if !asked.is_agreed(&reply) {
        return Err(ProxyError::Upgrade("the upstream switched to what nobody asked for"));
    }
    // The client cannot change its protocol in the middle of a message.
    if !lease.is_through() {
        return Err(ProxyError::Upgrade(
            "the upstream switched protocols before the request's end",
        ));
    }
    let Some((socket, read)) = lease.into_bare() else {
        return Err(ProxyError::Switched);
    };

    // RFC 9110, section 8.6: none in a 1xx.
    let mut head = Back::of_upstream(reply, Length::Dropped);
    head.switch(asked.0);
    Ok(Answer { head, body: Body::switched(Switched { socket, read }) })
}

/// The protocols that a request names.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    elements(headers, UPGRADE).filter(|protocol| !protocol.is_empty())
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};

    use super::*;

    fn parts(version: Version, method: Method, lines: &[(&str, &str)]) -> request::Parts {
        let mut request = Request::builder().version(version).method(method);
        for &(name, value) in lines {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn asked(lines: &[(&str, &str)]) -> Option<String> {
        let request = parts(Version::HTTP_11, Method::GET, lines);
        let upgrades = Upgrades { protocols: vec![WEBSOCKET.to_owned(), "tcp".to_owned()] };
        Asked::of(&request, &upgrades).map(|asked| asked.0.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_first_allowed_protocol_is_asked_for() {
        for (lines, expected) in [
            (&[("connection", "upgrade"), ("upgrade", "websocket")][..], Some("websocket")),
            (&[("connection", "Upgrade"), ("upgrade", "WebSocket")], Some("websocket")),
            (
                &[("connection", "close"), ("connection", "x, upgrade"), ("upgrade", "tcp")],
                Some("tcp"),
            ),
            (&[("connection", "upgrade"), ("upgrade", "h2c,, tcp,websocket")], Some("tcp")),
            (&[("connection", "upgrade"), ("upgrade", "h2c"), ("upgrade", "tcp")], Some("tcp")),
            (&[("connection", "upgrade"), ("upgrade", "h2c")], None),
            (&[("connection", "upgrade"), ("upgrade", "tcp/2")], None),
            (&[("connection", "upgrade"), ("upgrade", "\"tcp")], None),
            (&[("connection", "upgrade"), ("upgrade", " , ")], None),
            (&[("connection", "upgraded"), ("upgrade", "tcp")], None),
            (&[("connection", "upgrade")], None),
            (&[("upgrade", "tcp")], None),
        ] {
            assert_eq!(asked(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_websocket_is_asked_for_in_a_get_and_nothing_in_another_version() {
        let upgrades = Upgrades::default();
        let lines = [("connection", "upgrade"), ("upgrade", "websocket")];
        for (version, method, expected) in [
            (Version::HTTP_11, Method::GET, true),
            (Version::HTTP_11, Method::POST, false),
            (Version::HTTP_10, Method::GET, false),
            (Version::HTTP_2, Method::GET, false),
        ] {
            let request = parts(version, method, &lines);
            assert_eq!(Asked::of(&request, &upgrades).is_some(), expected, "{request:?}");
        }
    }

    #[test]
    fn a_switch_is_to_what_was_asked_for() {
        let asked = Asked(HeaderValue::from_static(WEBSOCKET));
        for (lines, expected) in [
            (&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")][..], true),
            (&[("upgrade", "websocket")], true),
            (&[("connection", "close"), ("upgrade", "websocket")], false),
            (&[("connection", "upgrade")], false),
            (&[("connection", "upgrade"), ("upgrade", "h2c")], false),
            (&[("connection", "upgrade"), ("upgrade", "websocket, h2c")], false),
            (
                &[("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "websocket")],
                false,
            ),
        ] {
            let mut response = Response::builder().status(101);
            for &(name, value) in lines {
                response = response.header(name, value);
            }
            let (response, ()) = response.body(()).unwrap().into_parts();
            assert_eq!(asked.is_agreed(&Reply::from(response)), expected, "{lines:?}");
        }
    }
}
