//! Compressed bodies, both ways: gzip and deflate.

use std::io::{Read, Write as _};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use crate::serving::refusal::Refusal;
use crate::web::body::BodyError;

/// Answers smaller than this are sent as they are.
const COMPRESSED_BYTES_MIN: usize = 1 << 10;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

impl Encoding {
    fn of(name: &str) -> Option<Self> {
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => Some(Self::Gzip),
            name if name.eq_ignore_ascii_case("x-gzip") => Some(Self::Gzip),
            name if name.eq_ignore_ascii_case("deflate") => Some(Self::Deflate),
            _ => None,
        }
    }

    /// Says how a request's body is compressed; refuses what is not known.
    pub(crate) fn of_body(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(given) = headers.get(header::CONTENT_ENCODING) else { return Ok(None) };
        let name = given.to_str().unwrap_or_default();
        if name.is_empty() || name.eq_ignore_ascii_case("identity") {
            return Ok(None);
        }
        let unknown = || {
            let what = "bodies are read as they are, or compressed by gzip or deflate";
            Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what)
        };
        Self::of(name).map(Some).ok_or_else(unknown)
    }

    /// Says how an answer may be compressed.
    pub(crate) fn of_answer(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        let offers = accepted.split(',').filter_map(|offer| {
            let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
            let refused = quality.trim().trim_start_matches("q=").parse() == Ok(0.0);
            if refused { None } else { Self::of(name) }
        });
        let offers: Vec<Self> = offers.collect();
        offers.contains(&Self::Gzip).then_some(Self::Gzip).or(offers.first().copied())
    }

    /// Unpacks a body, up to `max` bytes of it.
    pub(crate) fn unpack(self, body: &[u8], max: u64) -> Result<Bytes, Refusal> {
        let mut out = Vec::new();
        // One byte more tells that it is too large.
        let read = match self {
            Self::Gzip => GzDecoder::new(body).take(max.saturating_add(1)).read_to_end(&mut out),
            Self::Deflate => {
                ZlibDecoder::new(body).take(max.saturating_add(1)).read_to_end(&mut out)
            }
        };
        if read.is_err() {
            return Err(Refusal::bad_request("the compressed body is broken"));
        }
        if out.len() as u64 > max {
            return Err(Refusal::too_large(BodyError::TooLarge { max }.to_string()));
        }
        Ok(Bytes::from(out))
    }

    fn pack(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let out = Vec::with_capacity(body.len() / 4);
        match self {
            Self::Gzip => {
                let mut packer = GzEncoder::new(out, Compression::fast());
                packer.write_all(body)?;
                packer.finish()
            }
            Self::Deflate => {
                let mut packer = ZlibEncoder::new(out, Compression::fast());
                packer.write_all(body)?;
                packer.finish()
            }
        }
    }
}

/// Makes an answer; its body compressed where that is wanted and worth it.
pub(crate) fn answer(body: Vec<u8>, encoding: Option<Encoding>) -> Response<Full<Bytes>> {
    let wanted = encoding.filter(|_| body.len() >= COMPRESSED_BYTES_MIN);
    let packed = wanted.and_then(|encoding| Some((encoding, encoding.pack(&body).ok()?)));
    let Some((encoding, packed)) = packed else {
        return Response::new(Full::new(Bytes::from(body)));
    };
    let mut answer = Response::new(Full::new(Bytes::from(packed)));
    let name = match encoding {
        Encoding::Gzip => "gzip",
        Encoding::Deflate => "deflate",
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    answer
}
