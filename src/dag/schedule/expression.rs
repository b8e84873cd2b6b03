//! Asset expressions as text: `a & (b | c)`, where `&` binds closer than `|`.

use std::fmt;

use crate::schedule::{AssetExpression, AssetRef};

/// A text that is no asset expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct ExpressionError {
    pub expected: &'static str,
    pub found: String,
    /// Where in the text, in bytes.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy)]
struct Token<'t> {
    text: &'t str,
    start: usize,
}

impl AssetExpression {
    /// Parses an expression; a name with a colon in it is a pattern of URIs.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { tokens: tokens(text), next: 0, end: text.len() };
        let expression = parser.any()?;
        match parser.peek() {
            None => Ok(expression),
            Some(_) => Err(parser.expected("`&`, `|` or the end")),
        }
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut name_start = None;
    for (at, c) in text.char_indices() {
        let is_mark = matches!(c, '&' | '|' | '(' | ')');
        if is_mark || c.is_whitespace() {
            if let Some(start) = name_start.take() {
                tokens.push(Token { text: &text[start..at], start });
            }
            if is_mark {
                tokens.push(Token { text: &text[at..=at], start: at });
            }
        } else if name_start.is_none() {
            name_start = Some(at);
        }
    }
    if let Some(start) = name_start {
        tokens.push(Token { text: &text[start..], start });
    }
    tokens
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    next: usize,
    end: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.get(self.next).map(|token| token.text)
    }

    fn take(&mut self, mark: &str) -> bool {
        let is_next = self.peek() == Some(mark);
        self.next += usize::from(is_next);
        is_next
    }

    fn any(&mut self) -> Result<AssetExpression, ExpressionError> {
        let mut parts = vec![self.all()?];
        while self.take("|") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, AssetExpression::Any))
    }

    fn all(&mut self) -> Result<AssetExpression, ExpressionError> {
        let mut parts = vec![self.leaf()?];
        while self.take("&") {
            parts.push(self.leaf()?);
        }
        Ok(one_or(parts, AssetExpression::All))
    }

    fn leaf(&mut self) -> Result<AssetExpression, ExpressionError> {
        if self.take("(") {
            let inner = self.any()?;
            return if self.take(")") { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        match self.peek() {
            None | Some("&" | "|" | ")") => Err(self.expected("the name of an asset")),
            Some(name) => {
                self.next += 1;
                Ok(AssetExpression::Asset(AssetRef::parse(name)))
            }
        }
    }

    fn expected(&self, expected: &'static str) -> ExpressionError {
        match self.tokens.get(self.next) {
            Some(token) => ExpressionError {
                expected,
                found: format!("`{}`", token.text),
                start: token.start,
                end: token.start + token.text.len(),
            },
            None => ExpressionError {
                expected,
                found: "the end".to_owned(),
                start: self.end,
                end: self.end,
            },
        }
    }
}

fn one_or(
    mut parts: Vec<AssetExpression>,
    many: fn(Vec<AssetExpression>) -> AssetExpression,
) -> AssetExpression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

impl fmt::Display for AssetExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, mark) = match self {
            Self::Asset(asset) => return f.write_str(asset.as_str()),
            Self::All(parts) => (parts, " & "),
            Self::Any(parts) => (parts, " | "),
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                f.write_str(mark)?;
            }
            // Only an "or" inside an "and" would be read another way without parentheses.
            if matches!((self, part), (Self::All(_), Self::Any(_))) {
                write!(f, "({part})")?;
            } else {
                write!(f, "{part}")?;
            }
        }
        Ok(())
    }
}
