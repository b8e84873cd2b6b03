//! Reads bodies of bounded size.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};

/// How long a body may take to come in.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body that is too large is read away, so that its sender, who does not read
/// before it has sent all, gets the refusal and not a broken connection.
const DISCARD_BYTES_MAX: u64 = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body is larger than {max} bytes")]
    TooLarge { max: u64 },
    #[error("the body did not come in whole within {} s", READ_TIMEOUT.as_secs())]
    TooSlow,
    #[error("the body broke off")]
    Broken,
}

/// Reads a body of at most `max` bytes; counts while it reads, whatever the head promised.
pub async fn read<B>(body: B, max: u64) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    tokio::time::timeout(READ_TIMEOUT, collect(body, max)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<B>(mut body: B, max: u64) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut whole = Vec::new();
    let mut first: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let before = first.as_ref().map_or(whole.len(), Bytes::len);
        if (before + data.len()) as u64 > max {
            discard(body).await;
            return Err(BodyError::TooLarge { max });
        }
        match (first.take(), whole.is_empty()) {
            (None, true) => first = Some(data),
            (Some(head), _) => {
                whole.extend_from_slice(&head);
                whole.extend_from_slice(&data);
            }
            (None, false) => whole.extend_from_slice(&data),
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(whole)))
}

/// Reads on without keeping anything, for a while.
pub async fn discard<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > DISCARD_BYTES_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    fn chunks(parts: &[&'static str]) -> impl Body<Data = Bytes> + Unpin {
        let frames: Vec<_> = parts
            .iter()
            .map(|part| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(part.as_bytes()))))
            .collect();
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_of_many_chunks_is_read_whole() {
        assert_eq!(read(chunks(&["ab", "cd", "ef"]), 6).await.unwrap(), "abcdef");
        assert_eq!(read(chunks(&["ab"]), 6).await.unwrap(), "ab");
        assert_eq!(read(chunks(&[]), 6).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_is_counted_as_it_comes() {
        let error = read(chunks(&["ab", "cd", "ef", "g"]), 6).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { max: 6 }));
    }
}
