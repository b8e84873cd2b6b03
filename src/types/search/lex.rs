//! From a text to words, each with its place.

use super::Mistake;

/// A piece of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword, as written.
    Word(String),
    /// In backticks, or in quotes: which, and what is between them.
    Quoted(char, String),
    Number(f64),
    Sign(String),
    Dot,
    Comma,
    Open,
    Close,
}

impl Token {
    /// Says what it is, for a mistake.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Word(word) | Self::Sign(word) => format!("`{word}`"),
            Self::Quoted(quote, text) => format!("{quote}{text}{quote}"),
            Self::Number(number) => format!("`{number}`"),
            Self::Dot => "`.`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
        }
    }

    /// Says whether it is this keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// Splits a text into tokens with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Mistake> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        let token = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '\'' | '"' | '`' => quoted(&chars, &mut at)?,
            '(' | ')' | ',' => {
                at += 1;
                match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                }
            }
            '.' if follows_name(&tokens) => {
                at += 1;
                Token::Dot
            }
            '=' | '<' | '>' | '!' => {
                Token::Sign(run(&chars, &mut at, |c| matches!(c, '=' | '<' | '>' | '!')))
            }
            c if c.is_alphabetic() || c == '_' => {
                Token::Word(run(&chars, &mut at, |c| c.is_alphanumeric() || c == '_'))
            }
            _ if starts_number(&chars[at..]) => number(&chars, &mut at)?,
            c => return Err(Mistake::new(at, stray(c, &tokens))),
        };
        tokens.push((start, token));
    }
    Ok(tokens)
}

fn stray(c: char, before: &[(usize, Token)]) -> String {
    match before {
        [.., (_, Token::Dot), (_, Token::Word(_))] => format!(
            "`{c}` cannot stand in a bare name; put the name in backticks, as in metrics.`a{c}b`"
        ),
        _ => format!("`{c}` has no meaning here"),
    }
}

/// After a name a dot leads to the next one; elsewhere it begins a number.
fn follows_name(tokens: &[(usize, Token)]) -> bool {
    matches!(tokens, [.., (_, Token::Word(_) | Token::Quoted(..))])
}

fn starts_number(rest: &[char]) -> bool {
    match rest.strip_prefix(&['-']).unwrap_or(rest) {
        ['.', next, ..] => next.is_ascii_digit(),
        [first, ..] => first.is_ascii_digit(),
        [] => false,
    }
}

fn run(chars: &[char], at: &mut usize, belongs: impl Fn(char) -> bool) -> String {
    let start = *at;
    while chars.get(*at).copied().is_some_and(&belongs) {
        *at += 1;
    }
    chars[start..*at].iter().collect()
}

fn number(chars: &[char], at: &mut usize) -> Result<Token, Mistake> {
    let start = *at;
    *at += 1;
    while let Some(&c) = chars.get(*at) {
        let is_exponent_sign =
            matches!(c, '+' | '-') && matches!(chars[*at - 1], 'e' | 'E') && *at > start + 1;
        if !(c.is_alphanumeric() || c == '.' || c == '_' || is_exponent_sign) {
            break;
        }
        *at += 1;
    }
    let text: String = chars[start..*at].iter().collect();
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Token::Number(value)),
        _ => Err(Mistake::new(start, format!("`{text}` is not a number"))),
    }
}

fn quoted(chars: &[char], at: &mut usize) -> Result<Token, Mistake> {
    let (start, quote) = (*at, chars[*at]);
    let mut text = String::new();
    *at += 1;
    loop {
        match chars.get(*at) {
            None => return Err(Mistake::new(start, format!("the {quote} is never closed"))),
            // As in SQL, a quote twice is one.
            Some(&c) if c == quote && quote != '`' && chars.get(*at + 1) == Some(&quote) => {
                text.push(quote);
                *at += 2;
            }
            Some(&c) if c == quote => {
                *at += 1;
                return Ok(Token::Quoted(quote, text));
            }
            Some(&c) => {
                text.push(c);
                *at += 1;
            }
        }
    }
}
