//! The lines of a head of HTTP/1.1, in the bytes that were read.

use std::ops::Range;

use bytes::Bytes;

use super::Known;

/// Fields of a head that are noted in one allocation.
const FIELDS_EXPECTED: usize = 16;

/// A head of HTTP/1.1 whose fields are named in lower case.
#[derive(Debug)]
pub(in crate::proxy) struct Lines {
    head: Bytes,
    places: Places,
}

/// Where things are in a head.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Places {
    reason: (u32, u32),
    fields: Vec<Field>,
    /// Which known ones there are, a bit each.
    known: u16,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name: u32,
    value: u32,
    value_len: u32,
    name_len: u16,
    known: Known,
}

impl Places {
    pub(in crate::proxy) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Notes the reason phrase. It is nowhere where it cannot be told.
    pub(in crate::proxy) fn set_reason(&mut self, place: Range<usize>) -> Option<()> {
        self.reason = (u32::try_from(place.start).ok()?, u32::try_from(place.end).ok()?);
        Some(())
    }

    /// Notes the next field; `None` if its name is longer than one may be, or its place
    /// beyond what a head may have.
    pub(in crate::proxy) fn add(
        &mut self,
        known: Known,
        name: Range<usize>,
        value: Range<usize>,
    ) -> Option<()> {
        let field = Field {
            name: u32::try_from(name.start).ok()?,
            value: u32::try_from(value.start).ok()?,
            value_len: u32::try_from(value.len()).ok()?,
            name_len: u16::try_from(name.len()).ok()?,
            known,
        };
        if self.fields.capacity() == 0 {
            self.fields.reserve(FIELDS_EXPECTED);
        }
        self.fields.push(field);
        self.known |= bit(known);
        Some(())
    }

    fn has(&self, known: Known) -> bool {
        self.known & bit(known) != 0
    }
}

fn bit(known: Known) -> u16 {
    1 << known as u8
}

impl Lines {
    /// `places` are in `head`.
    pub(in crate::proxy) fn new(head: Bytes, places: Places) -> Self {
        Self { head, places }
    }

    /// What the values are slices of.
    pub(in crate::proxy) fn bytes(&self) -> &Bytes {
        &self.head
    }

    pub(in crate::proxy) fn reason(&self) -> &[u8] {
        let (start, end) = self.places.reason;
        &self.head[start as usize..end as usize]
    }

    pub(in crate::proxy) fn len(&self) -> usize {
        self.places.fields.len()
    }

    pub(in crate::proxy) fn has(&self, known: Known) -> bool {
        self.places.has(known)
    }

    /// What each field is, its name and its value, in order.
    pub(in crate::proxy) fn iter(&self) -> impl Iterator<Item = (Known, &[u8], &[u8])> {
        self.places.fields.iter().map(|field| (field.known, self.name(field), self.value(field)))
    }

    /// The values of the lines that are `known` as this.
    pub(in crate::proxy) fn all(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        let fields = if self.has(known) { &self.places.fields[..] } else { &[] };
        fields.iter().filter(move |field| field.known == known).map(|field| self.value(field))
    }

    fn name(&self, field: &Field) -> &[u8] {
        let start = field.name as usize;
        &self.head[start..start + usize::from(field.name_len)]
    }

    fn value(&self, field: &Field) -> &[u8] {
        let start = field.value as usize;
        &self.head[start..start + field.value_len as usize]
    }
}
