//! The token that requests over TCP must bear: 64 hex digits in a file that only its owner may
//! read.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::hmac;

/// A secret; never shown.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// Reads the token; makes one where there is none.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => return Ok(Self(text.trim().to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let token = Self(random());
        let fresh = path.with_extension("new");
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(token.0.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        Ok(token)
    }

    /// Makes one that is kept nowhere: nobody but its maker has it.
    pub fn unknown() -> Self {
        Self(random())
    }

    /// Returns the text, for whoever must send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the value of an `Authorization` header bears this token. Takes as long for
    /// a near miss as for a far one.
    pub fn admits(&self, authorization: Option<&str>) -> bool {
        borne(authorization).is_some_and(|given| equal(given.as_bytes(), self.0.as_bytes()))
    }

    /// Signs a text: nobody who has not this token can.
    pub fn sign(&self, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        let signature = hmac::sign(&key, text.as_bytes());
        signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Tells whether a text was signed with this token.
    pub fn has_signed(&self, text: &str, signature: &str) -> bool {
        equal(signature.as_bytes(), self.sign(text).as_bytes())
    }
}

/// Returns what the value of an `Authorization` header bears: a bearer's token, or the password of
/// somebody whose name does not matter.
pub fn borne(authorization: Option<&str>) -> Option<String> {
    let (scheme, given) = authorization?.split_once(' ')?;
    match scheme {
        scheme if scheme.eq_ignore_ascii_case("bearer") => Some(given.trim().to_owned()),
        scheme if scheme.eq_ignore_ascii_case("basic") => {
            let pair = BASE64_STANDARD.decode(given.trim()).ok()?;
            let (_, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
            Some(password.to_owned())
        }
        _ => None,
    }
}

/// Gives 32 bytes of the system's randomness (but for the fixed bits of two UUIDs) in hex.
fn random() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// Compares in a time that tells only the lengths.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let different = a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y));
    std::hint::black_box(different) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let first = Token::load_or_create(&path).unwrap();
        let again = Token::load_or_create(&path).unwrap();
        assert_eq!(first.as_str(), again.as_str());
        assert_eq!(first.as_str().len(), 64);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_signature_is_of_one_text_and_one_token() {
        let (token, other) = (Token(random()), Token(random()));
        let signature = token.sign("a");
        assert!(token.has_signed("a", &signature));
        assert!(!token.has_signed("b", &signature));
        assert!(!other.has_signed("a", &signature));
        assert!(!token.has_signed("a", ""));
    }

    #[test]
    fn only_the_right_bearer_is_admitted() {
        let token = Token(random());
        assert!(token.admits(Some(&format!("Bearer {}", token.as_str()))));
        assert!(token.admits(Some(&format!("bearer {}", token.as_str()))));
        let wrong = format!("Bearer {}x", &token.as_str()[1..]);
        for given in [None, Some(""), Some("Bearer"), Some("Bearer "), Some(wrong.as_str())] {
            assert!(!token.admits(given), "{given:?}");
        }
        assert!(!token.admits(Some(&format!("Basic {}", token.as_str()))));
        let basic = |pair: String| format!("Basic {}", BASE64_STANDARD.encode(pair));
        assert!(token.admits(Some(&basic(format!("anybody:{}", token.as_str())))));
        assert!(!token.admits(Some(&basic(format!("{}:anybody", token.as_str())))));
    }
}
