//! Who is told the heads of responses.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Who is told the head of a response, field by field. All names are in lower case, all
/// values good.
pub(in crate::proxy) trait Hearer {
    /// A field, as bytes. Whoever copies them needs to know no other way.
    fn say(&mut self, name: &[u8], value: &[u8]);

    /// A field that is held in the types of a map.
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.say(name.as_str().as_bytes(), value.as_bytes());
    }

    /// A field of which the value is a slice of `head`.
    fn slice(&mut self, name: &[u8], value: &[u8], _head: &Bytes) {
        self.say(name, value);
    }
}

impl Hearer for HeaderMap {
    fn say(&mut self, name: &[u8], value: &[u8]) {
        let value = HeaderValue::from_bytes(value).expect("what is said is a value");
        self.append(name_of(name), value);
    }

    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.append(name.clone(), value.clone());
    }

    fn slice(&mut self, name: &[u8], value: &[u8], head: &Bytes) {
        let value = HeaderValue::from_maybe_shared(head.slice_ref(value));
        self.append(name_of(name), value.expect("what was read is a value"));
    }
}

fn name_of(name: &[u8]) -> HeaderName {
    HeaderName::from_bytes(name).expect("what was read or is said is a name")
}
