//! Messages to people: a webhook's JSON, as chat systems take it.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::connection::http::{self, HttpError};

/// How long a webhook may take to answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A message that did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("post the message")]
    Http(#[from] HttpError),
    #[error("post the message: the webhook answered {status}{}", if body.is_empty() { String::new() } else { format!(": {body}") })]
    Refused { status: u16, body: String },
    #[error("send the mail: {reason}")]
    Mail { reason: String, is_passing: bool },
}

impl MessageError {
    /// Says whether another try may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Http(HttpError::Url) => false,
            Self::Http(_) => true,
            Self::Mail { is_passing, .. } => *is_passing,
            Self::Refused { status, .. } => *status >= 500 || *status == 429 || *status == 408,
        }
    }
}

/// Posts `{"text": …, "title": …}`; any 2xx is success.
pub async fn post_webhook(url: &str, title: Option<&str>, text: &str) -> Result<(), MessageError> {
    let mut body = json!({ "text": text });
    if let Some(title) = title {
        body["title"] = json!(title);
    }
    post_json(url, &body, &[], TIMEOUT).await.map(drop)
}

/// Posts a body and returns what was answered; any 2xx is success.
pub async fn post_json(
    url: &str,
    body: &Value,
    headers: &[(&str, &str)],
    timeout: Duration,
) -> Result<String, MessageError> {
    let body = body.to_string().into_bytes();
    let answer = http::send_with(Method::POST, url, headers, Some(body), timeout).await?;
    if (200..300).contains(&answer.status) {
        return Ok(String::from_utf8_lossy(&answer.body).into_owned());
    }
    let body = String::from_utf8_lossy(&answer.body).chars().take(200).collect::<String>();
    Err(MessageError::Refused { status: answer.status, body: body.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        let refused = |status| MessageError::Refused { status, body: String::new() };
        assert!(refused(503).is_passing());
        assert!(!refused(404).is_passing());
        assert!(!MessageError::from(HttpError::Url).is_passing());
        assert!(MessageError::from(HttpError::TimedOut { after: TIMEOUT }).is_passing());
    }
}
