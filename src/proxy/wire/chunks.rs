//! One chunked body (RFC 9112, section 7.1), to its last byte.

use super::bytes::{is_blank, is_control, is_token};
use super::refusal::Violation;

/// Hexadecimal digits of a size: as many as a `u64` has.
const SIZE_DIGITS_MAX: u8 = 16;
/// Bytes of the extensions of one chunk, and of all chunks of a body, which nobody reads.
const EXTENSION_BYTES_MAX: usize = 4 << 10;
const EXTENSIONS_BYTES_MAX: usize = 12 << 10;
/// Bytes of all trailers.
const TRAILERS_BYTES_MAX: usize = 8 << 10;
/// Lines of trailers, and no more than a head may have.
const TRAILERS_MAX: usize = 64;

/// How far a chunked body has come.
#[derive(Debug)]
pub(in crate::proxy) struct Chunks {
    place: Place,
    /// Digits of the size so far.
    digits: u8,
    /// Of the chunk, less what has passed.
    left: u64,
    extension_bytes: usize,
    extensions_bytes: usize,
    trailers_bytes: usize,
    trailers_left: usize,
    /// Whether sizes may be padded with blanks, as some servers do. Of clients, nothing is
    /// borne that another reader may see differently.
    may_pad: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size,
    /// Blanks between a size and its extensions.
    Blanks,
    Extension,
    /// The LF after a size or its extensions.
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// A trailer or the empty line that ends the body.
    Line,
    Name,
    Value,
    LineEnd,
    End,
    Ended,
}

/// What the next bytes of a chunked body are, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Part {
    /// Sizes, extensions and line ends.
    Frame(usize),
    Data(usize),
    /// Of the trailer section, the empty line at its end included.
    Trailers(usize),
}

impl Place {
    fn is_trailers(self) -> bool {
        matches!(self, Self::Line | Self::Name | Self::Value | Self::LineEnd | Self::End)
    }
}

impl Chunks {
    pub(super) fn new(fields_max: usize) -> Self {
        Self {
            place: Place::Size,
            digits: 0,
            left: 0,
            extension_bytes: 0,
            extensions_bytes: 0,
            trailers_bytes: 0,
            trailers_left: TRAILERS_MAX.min(fields_max),
            may_pad: false,
        }
    }

    /// Those of a response.
    pub(in crate::proxy) fn of_response(fields_max: usize) -> Self {
        Self { may_pad: true, ..Self::new(fields_max) }
    }

    pub(in crate::proxy) fn is_ended(&self) -> bool {
        self.place == Place::Ended
    }

    /// What `bytes`, which are some, begin with. Nothing is, behind the end.
    pub(in crate::proxy) fn part(&mut self, bytes: &[u8]) -> Result<Part, Violation> {
        if self.place == Place::Data {
            let here = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= here as u64;
            if self.left == 0 {
                self.place = Place::DataCr;
            }
            return Ok(Part::Data(here));
        }
        let is_trailers = self.place.is_trailers();
        let mut at = 0;
        while at < bytes.len()
            && !matches!(self.place, Place::Data | Place::Ended)
            && self.place.is_trailers() == is_trailers
        {
            match self.next(bytes[at]) {
                Ok(place) => self.place = place,
                Err(violation) if at == 0 => return Err(violation),
                Err(_) => break,
            }
            at += 1;
        }
        Ok(if is_trailers { Part::Trailers(at) } else { Part::Frame(at) })
    }

    /// Where `byte` leads to. Leaves everything as it is if it leads nowhere.
    fn next(&mut self, byte: u8) -> Result<Place, Violation> {
        match (self.place, byte) {
            (Place::Size, byte) if byte.is_ascii_hexdigit() => self.digit(byte),
            (Place::Size, b'\r') if self.digits > 0 => Ok(Place::SizeEnd),
            (Place::Size, b';') if self.digits > 0 => self.extension(),
            (Place::Size, byte) if self.digits > 0 && is_blank(byte) => self.blank(),

            (Place::Blanks, b';') => self.extension(),
            (Place::Blanks, b'\r') if self.may_pad => Ok(Place::SizeEnd),
            (Place::Blanks, byte) if is_blank(byte) => self.blank(),

            (Place::Extension, b'\r') => Ok(Place::SizeEnd),
            (Place::Extension, byte) if is_control(byte) => Err(Violation::ChunkExtension),
            (Place::Extension, _) => self.extension(),

            (Place::SizeEnd, b'\n') => Ok(self.sized()),
            // Blanks may precede a semicolon alone.
            (Place::Size | Place::Blanks | Place::SizeEnd, _) => Err(Violation::ChunkSize),

            (Place::DataCr, b'\r') => Ok(Place::DataLf),
            (Place::DataLf, b'\n') => Ok(Place::Size),
            (Place::DataCr | Place::DataLf, _) => Err(Violation::ChunkEnd),

            (Place::Line, b'\r') => Ok(Place::End),
            (Place::Line, byte) if is_token(byte) => self.trailer(),
            (Place::Name, byte) if is_token(byte) => self.trailer_byte(Place::Name),
            (Place::Name, b':') => self.trailer_byte(Place::Value),
            (Place::Value, b'\r') => self.trailer_byte(Place::LineEnd),
            (Place::Value, byte) if !is_control(byte) => self.trailer_byte(Place::Value),
            (Place::LineEnd, b'\n') => self.trailer_byte(Place::Line),
            (Place::End, b'\n') => Ok(Place::Ended),
            (Place::Line | Place::Name | Place::Value | Place::LineEnd | Place::End, _) => {
                Err(Violation::Trailer)
            }

            // Neither is asked about single bytes.
            (Place::Data | Place::Ended, _) => Ok(self.place),
        }
    }

    fn digit(&mut self, digit: u8) -> Result<Place, Violation> {
        if self.digits == SIZE_DIGITS_MAX {
            return Err(Violation::ChunkSize);
        }
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            _ => (digit | 0x20) - b'a' + 10,
        };
        self.digits += 1;
        self.left = self.left << 4 | u64::from(value);
        Ok(Place::Size)
    }

    fn blank(&mut self) -> Result<Place, Violation> {
        self.extension().map(|_| Place::Blanks)
    }

    fn extension(&mut self) -> Result<Place, Violation> {
        if self.extension_bytes == EXTENSION_BYTES_MAX
            || self.extensions_bytes == EXTENSIONS_BYTES_MAX
        {
            return Err(Violation::ChunkExtension);
        }
        self.extension_bytes += 1;
        self.extensions_bytes += 1;
        Ok(Place::Extension)
    }

    fn sized(&mut self) -> Place {
        self.digits = 0;
        self.extension_bytes = 0;
        if self.left == 0 { Place::Line } else { Place::Data }
    }

    fn trailer(&mut self) -> Result<Place, Violation> {
        let left = self.trailers_left.checked_sub(1).ok_or(Violation::TrailersTooLong)?;
        let place = self.trailer_byte(Place::Name)?;
        self.trailers_left = left;
        Ok(place)
    }

    fn trailer_byte(&mut self, place: Place) -> Result<Place, Violation> {
        if self.trailers_bytes == TRAILERS_BYTES_MAX {
            return Err(Violation::TrailersTooLong);
        }
        self.trailers_bytes += 1;
        Ok(place)
    }
}
