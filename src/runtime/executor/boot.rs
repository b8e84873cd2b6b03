//! In which boot of the machine an attempt was decided: its token begins with it.
//!
//! The token is durable with the decision, and so is this; there is no moment at which one is
//! without the other. What was decided in another boot may have run and left nothing: files that
//! no process waited for go with the power.

use crate::types::LaunchToken;

/// Characters of a boot's id that a token bears.
const TAG_LEN: usize = 8;

/// Begins the tokens that are made in this boot.
pub(crate) fn token_prefix(boot_id: &str, random: &str) -> String {
    format!("{}.{random}", tag(boot_id))
}

/// Says whether the attempt was decided in another boot. Tokens that were made before they bore
/// one say nothing.
pub(crate) fn is_of_another(token: &LaunchToken, boot_id: &str) -> bool {
    let Some((own, _)) = token.as_str().split_once('.') else { return false };
    own.len() == TAG_LEN && own != tag(boot_id)
}

fn tag(boot_id: &str) -> String {
    let digits = boot_id.chars().filter(char::is_ascii_alphanumeric);
    let tag: String = digits.take(TAG_LEN).collect();
    format!("{tag:0<TAG_LEN$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_boot() {
        let here = "1f0c9a3e-5d2b-4c57-9a51-07c1c6f0a111";
        let token = |text: &str| LaunchToken::from(text);
        let made = format!("{}-7", token_prefix(here, "0123456789ab"));
        assert_eq!(made, "1f0c9a3e.0123456789ab-7");
        assert!(!is_of_another(&token(&made), here));
        assert!(is_of_another(&token(&made), "2f0c9a3e-5d2b-4c57-9a51-07c1c6f0a111"));
        assert!(!is_of_another(&token("0123456789ab-7"), here), "made by an earlier dagdeck");
        assert!(!is_of_another(&token("restored-0123"), here));
    }
}
