//! The id of a request: the client's own, or a random UUID.

use std::cell::Cell;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

use crate::serving::hash::stirred;

pub(crate) const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// Of an id that a client brings along.
const LEN_MAX: usize = 128;

/// Takes the client's own id where it is a plain short one, else makes one.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(NAME).filter(|id| {
        let id = id.as_bytes();
        !id.is_empty() && id.len() <= LEN_MAX && id.iter().all(u8::is_ascii_graphic)
    });
    given.cloned().unwrap_or_else(|| {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = unlike_any_other().hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("a UUID is plain ASCII")
    })
}

/// Makes a UUID that is not like another, without asking the kernel each time. It is no secret: whoever
/// has seen one can guess the next.
fn unlike_any_other() -> Uuid {
    thread_local! {
        static SEED: (u64, Cell<u64>) = (Uuid::new_v4().as_u64_pair().0, Cell::new(0));
    }
    SEED.with(|(seed, count)| {
        count.set(count.get().wrapping_add(1));
        let halves = [*seed, seed.rotate_left(32)].map(|half| stirred(half ^ count.get()));
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&halves[0].to_be_bytes());
        bytes[8..].copy_from_slice(&halves[1].to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_have_the_same_id() {
        let many = || (0..10_000).map(|_| of(&HeaderMap::new())).collect::<Vec<_>>();
        let threads = [many, many].map(std::thread::spawn);
        let ids = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let ids: HashSet<String> = ids.map(|id| id.to_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.iter().all(|id| Uuid::parse_str(id).unwrap().get_version_num() == 4));
    }

    #[test]
    fn a_clients_own_id_is_taken_where_it_is_plain_and_short() {
        let sent = |id: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(NAME, HeaderValue::from_bytes(id).unwrap());
            of(&headers).as_bytes() == id
        };
        assert!(sent(b"order-17/a"));
        for id in [&b""[..], b"a b", "\u{e4}".as_bytes(), &[b'x'; LEN_MAX + 1]] {
            assert!(!sent(id), "{id:?}");
        }
    }
}
