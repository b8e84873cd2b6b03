//! Text in other encodings, read as UTF-8 piece by piece.
//!
//! UTF-16 and Latin-1 are what people meet beside UTF-8, and the standard library reads both: tables
//! for all the others would be a quarter of a megabyte of the binary.

use std::io::{self, Read};

use crate::runtime::operator::args::Args;
use crate::runtime::operator::error::OperatorError;

const PIECE_LEN: usize = 64 << 10;

/// How the bytes of a file make text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Also tells UTF-16 by its byte order mark.
    Utf8,
    Utf16Le,
    Utf16Be,
    Latin1,
}

impl Encoding {
    /// Reads the key `encoding`.
    pub(super) fn read(args: Args<'_>) -> Result<Self, OperatorError> {
        let Some(name) = args.text_or_none("encoding")? else { return Ok(Self::Utf8) };
        Self::named(&name).ok_or_else(|| {
            let names = Self::NAMES;
            OperatorError::Fatal(format!("`encoding` is `{name}`; expected one of {names}"))
        })
    }

    const NAMES: &'static str = "utf-8, utf-16, utf-16le, utf-16be, latin-1";

    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            // Without a mark UTF-16 is big-endian, by its standard.
            "utf-8" | "utf8" => Some(Self::Utf8),
            "utf-16" | "utf16" | "utf-16be" => Some(Self::Utf16Be),
            "utf-16le" => Some(Self::Utf16Le),
            "latin-1" | "latin1" | "iso-8859-1" => Some(Self::Latin1),
            _ => None,
        }
    }
}

/// Reads a file as UTF-8, without a byte order mark.
pub(super) fn decoded(
    mut file: impl Read + 'static,
    encoding: Encoding,
) -> io::Result<Box<dyn Read>> {
    let mut begin = [0; 3];
    let mut len = 0;
    while len < begin.len() {
        match file.read(&mut begin[len..])? {
            0 => break,
            read => len += read,
        }
    }
    let begin = &begin[..len];
    let (encoding, mark_len) = match (encoding, begin) {
        (Encoding::Utf8, [0xef, 0xbb, 0xbf]) => (encoding, 3),
        (Encoding::Utf8 | Encoding::Utf16Be | Encoding::Utf16Le, [0xff, 0xfe, ..]) => {
            (Encoding::Utf16Le, 2)
        }
        (Encoding::Utf8 | Encoding::Utf16Be | Encoding::Utf16Le, [0xfe, 0xff, ..]) => {
            (Encoding::Utf16Be, 2)
        }
        _ => (encoding, 0),
    };
    let rest = io::Cursor::new(begin[mark_len..].to_vec()).chain(file);
    if encoding == Encoding::Utf8 {
        return Ok(Box::new(rest));
    }
    Ok(Box::new(Decoded { file: rest, encoding, left: Vec::new(), text: Vec::new(), at: 0 }))
}

struct Decoded<R> {
    file: R,
    encoding: Encoding,
    /// Bytes of a character whose others have not been read.
    left: Vec<u8>,
    text: Vec<u8>,
    at: usize,
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let len = into.len().min(self.text.len() - self.at);
        into[..len].copy_from_slice(&self.text[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

impl<R: Read> Decoded<R> {
    fn refill(&mut self) -> io::Result<bool> {
        let had = self.left.len();
        self.left.resize(had + PIECE_LEN, 0);
        let read = self.file.read(&mut self.left[had..])?;
        self.left.truncate(had + read);
        let is_end = read == 0;
        if is_end && self.left.is_empty() {
            return Ok(false);
        }
        let mut text = String::with_capacity(self.left.len());
        let used = if self.encoding == Encoding::Latin1 {
            text.extend(self.left.iter().map(|byte| char::from(*byte)));
            self.left.len()
        } else {
            utf16(&self.left, self.encoding, is_end, &mut text)?
        };
        self.left.drain(..used);
        self.text = text.into_bytes();
        self.at = 0;
        Ok(true)
    }
}

/// Returns how many bytes were taken: half a character at the end is left for the next piece.
fn utf16(bytes: &[u8], encoding: Encoding, is_end: bool, text: &mut String) -> io::Result<usize> {
    let unit = |pair: &[u8]| match encoding {
        Encoding::Utf16Le => u16::from_le_bytes([pair[0], pair[1]]),
        _ => u16::from_be_bytes([pair[0], pair[1]]),
    };
    let mut units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
    let is_half = units.last().is_some_and(|last| (0xd800..0xdc00).contains(last));
    if is_half && !is_end {
        units.pop();
    }
    if is_end && (bytes.len() % 2 == 1 || is_half) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it ends within a character"));
    }
    for found in char::decode_utf16(units.iter().copied()) {
        let wrong = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-16");
        text.push(found.map_err(wrong)?);
    }
    Ok(units.len() * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drops(Vec<u8>);

    impl Read for Drops {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            into[0] = self.0.remove(0);
            Ok(1)
        }
    }

    fn read(bytes: &[u8], name: &str) -> Result<String, String> {
        let encoding = Encoding::named(name).unwrap();
        let mut text = String::new();
        let mut decoded = decoded(Drops(bytes.to_vec()), encoding).unwrap();
        decoded.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn each_encoding_is_read_whatever_the_pieces() {
        let text = "a;ü\n😀";
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(text.as_bytes(), "utf-8").unwrap(), text);
        assert_eq!(read(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), "utf-8").unwrap(), text);
        assert_eq!(read(&be, "utf-16").unwrap(), text);
        assert_eq!(read(&le, "utf-16le").unwrap(), text);
        assert_eq!(read(&[b"\xff\xfe", &le[..]].concat(), "utf-16").unwrap(), text);
        assert_eq!(read(&[b"\xfe\xff", &be[..]].concat(), "utf-8").unwrap(), text);
        assert_eq!(read(b"a;\xfc", "latin-1").unwrap(), "a;ü");
        assert_eq!(read(b"", "utf-16").unwrap(), "");
    }

    #[test]
    fn half_a_character_is_refused() {
        assert_eq!(read(b"\0a\xd8", "utf-16").unwrap_err(), "it ends within a character");
        assert_eq!(read(b"\xdc\0\0a", "utf-16").unwrap_err(), "it is not UTF-16");
    }
}
