//! From words to clauses, by the rules of MLflow: metrics and times are compared with numbers,
//! all else with quoted texts, lists only with `run_id`; clauses are joined by AND alone.

use super::lex::{Token, tokens};
use super::{Attribute, Clause, Comparator, Mistake, Operand, Order, Subject};

/// The words before the dot.
pub(super) const ENTITIES: [&str; 14] = [
    "metric",
    "metrics",
    "param",
    "params",
    "parameter",
    "parameters",
    "tag",
    "tags",
    "attribute",
    "attributes",
    "attr",
    "run",
    "dataset",
    "datasets",
];

/// Reads a filter; an empty one has no clauses.
pub fn filter(text: &str) -> Result<Vec<Clause>, Mistake> {
    let mut reader = Reader::new(text)?;
    let mut clauses = Vec::new();
    while !reader.is_at_end() {
        if !clauses.is_empty() {
            reader.and()?;
        }
        clauses.push(reader.clause()?);
    }
    Ok(clauses)
}

/// Reads one key of an order: a subject, then ASC (the default) or DESC.
pub fn order(text: &str) -> Result<Order, Mistake> {
    let mut reader = Reader::new(text)?;
    let subject = reader.subject()?;
    let is_descending = match reader.next() {
        None => false,
        Some((_, token)) if token.is("asc") => false,
        Some((_, token)) if token.is("desc") => true,
        Some((at, token)) => {
            return Err(Mistake::new(at, format!("{} where ASC or DESC may stand", token.told())));
        }
    };
    match reader.next() {
        None => Ok(Order { subject, is_descending }),
        Some((at, token)) => {
            Err(Mistake::new(at, format!("{} after the end of the order", token.told())))
        }
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

impl Reader {
    fn new(text: &str) -> Result<Self, Mistake> {
        Ok(Self { tokens: tokens(text)?, at: 0, end: text.trim_end().chars().count() })
    }

    fn is_at_end(&self) -> bool {
        self.at == self.tokens.len()
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(place, _)| *place)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next(&mut self) -> Option<(usize, Token)> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn wanted(&self, what: &str) -> Mistake {
        match self.peek() {
            Some(token) => Mistake::new(self.place(), format!("{} where {what}", token.told())),
            None => Mistake::new(self.end, format!("it ends where {what}")),
        }
    }

    fn and(&mut self) -> Result<(), Mistake> {
        let is_or = self.peek().is_some_and(|token| token.is("or"));
        if is_or {
            return Err(Mistake::new(self.place(), "OR is not taken: clauses are joined by AND"));
        }
        if !self.peek().is_some_and(|token| token.is("and")) {
            return Err(self.wanted("AND is expected between two clauses"));
        }
        self.at += 1;
        if self.is_at_end() {
            return Err(self.wanted("a clause is expected after AND"));
        }
        Ok(())
    }

    fn clause(&mut self) -> Result<Clause, Mistake> {
        let subject = self.subject()?;
        let place = self.place();
        let comparator = self.comparator()?;
        check(&subject, comparator).map_err(|message| Mistake::new(place, message))?;
        let operand = match comparator {
            Comparator::IsNull | Comparator::IsNotNull => Operand::Nothing,
            _ => self.operand(&subject, comparator)?,
        };
        Ok(Clause { subject, comparator, operand })
    }

    fn subject(&mut self) -> Result<Subject, Mistake> {
        let place = self.place();
        let Some((_, Token::Word(first) | Token::Quoted('`', first))) = self.next() else {
            self.at = self.at.saturating_sub(usize::from(place < self.end));
            return Err(
                self.wanted("metrics.NAME, params.NAME, tags.NAME or an attribute is expected")
            );
        };
        if self.peek() != Some(&Token::Dot) {
            return attribute(&first, place).map(Subject::Attribute);
        }
        let key = self.key()?;
        // As MLflow, which takes these words as they are written only.
        match first.as_str() {
            "metric" | "metrics" => Ok(Subject::Metric(key)),
            "param" | "params" | "parameter" | "parameters" => Ok(Subject::Param(key)),
            "tag" | "tags" => Ok(Subject::Tag(key)),
            "attribute" | "attributes" | "attr" | "run" => {
                attribute(&key, place).map(Subject::Attribute)
            }
            "dataset" | "datasets" => Err(Mistake::new(
                place,
                "data sets are searched by their tags: tags.`dagdeck.dataset`",
            )),
            other => Err(Mistake::new(
                place,
                format!("there is no `{other}.`; there are metrics, params, tags and attributes"),
            )),
        }
    }

    /// Reads what follows the first word: `.name`, also with dots in it, bare or quoted.
    fn key(&mut self) -> Result<String, Mistake> {
        let mut key = String::new();
        while self.peek() == Some(&Token::Dot) {
            self.at += 1;
            let part = match self.next() {
                Some((_, Token::Word(word))) => word,
                Some((_, Token::Quoted('`' | '"', word))) => word,
                _ => {
                    self.at -= usize::from(!self.is_at_end());
                    return Err(self.wanted("a name is expected after the dot"));
                }
            };
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(&part);
        }
        Ok(key)
    }

    fn comparator(&mut self) -> Result<Comparator, Mistake> {
        let expected = "=, !=, >, >=, <, <=, LIKE, ILIKE, IN or IS NULL is expected";
        let Some((place, token)) = self.next() else { return Err(self.wanted(expected)) };
        let comparator = match &token {
            Token::Sign(sign) => match sign.as_str() {
                "=" => Comparator::Equal,
                "!=" => Comparator::NotEqual,
                "<" => Comparator::Less,
                "<=" => Comparator::LessOrEqual,
                ">" => Comparator::Greater,
                ">=" => Comparator::GreaterOrEqual,
                _ => return Err(Mistake::new(place, format!("`{sign}` where {expected}"))),
            },
            token if token.is("like") => Comparator::Like,
            token if token.is("ilike") => Comparator::ILike,
            token if token.is("in") => Comparator::In,
            token if token.is("not") && self.keyword("in") => Comparator::NotIn,
            token if token.is("is") && self.keyword("null") => Comparator::IsNull,
            token if token.is("is") && self.keyword("not") && self.keyword("null") => {
                Comparator::IsNotNull
            }
            token => return Err(Mistake::new(place, format!("{} where {expected}", token.told()))),
        };
        Ok(comparator)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is_there = self.peek().is_some_and(|token| token.is(keyword));
        self.at += usize::from(is_there);
        is_there
    }

    fn operand(&mut self, subject: &Subject, comparator: Comparator) -> Result<Operand, Mistake> {
        if matches!(comparator, Comparator::In | Comparator::NotIn) {
            return self.list().map(Operand::List);
        }
        let wants_number = is_numeric(subject);
        match (self.peek(), wants_number) {
            (Some(Token::Number(number)), true) => {
                let number = *number;
                self.at += 1;
                Ok(Operand::Number(number))
            }
            (Some(Token::Quoted('\'' | '"', text)), false) => {
                let text = text.clone();
                self.at += 1;
                Ok(Operand::Text(text))
            }
            (_, true) => Err(self.wanted(&format!("{subject} is compared with a number"))),
            (Some(Token::Word(word)), false) => Err(Mistake::new(
                self.place(),
                format!("{subject} is compared with a text in quotes: '{word}'"),
            )),
            (_, false) => Err(self.wanted(&format!("{subject} is compared with a text in quotes"))),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, Mistake> {
        if self.peek() != Some(&Token::Open) {
            return Err(self.wanted("a list is expected: ('a', 'b')"));
        }
        self.at += 1;
        let mut items = Vec::new();
        loop {
            match self.next() {
                Some((_, Token::Quoted('\'' | '"', text))) => items.push(text),
                _ => {
                    self.at -= usize::from(!self.is_at_end());
                    return Err(self.wanted("a text in quotes is expected"));
                }
            }
            match self.next() {
                Some((_, Token::Comma)) => {}
                Some((_, Token::Close)) => return Ok(items),
                _ => {
                    self.at -= usize::from(!self.is_at_end());
                    return Err(self.wanted("`,` or `)` is expected"));
                }
            }
        }
    }
}

fn is_numeric(subject: &Subject) -> bool {
    match subject {
        Subject::Metric(_) => true,
        Subject::Attribute(attribute) => attribute.is_time(),
        Subject::Param(_) | Subject::Tag(_) => false,
    }
}

/// Says why a subject cannot be compared in this way.
fn check(subject: &Subject, comparator: Comparator) -> Result<(), String> {
    use Comparator as C;
    let is_taken = match comparator {
        C::Equal | C::NotEqual => true,
        C::Less | C::LessOrEqual | C::Greater | C::GreaterOrEqual => is_numeric(subject),
        C::Like | C::ILike => !is_numeric(subject),
        C::In | C::NotIn => *subject == Subject::Attribute(Attribute::RunId),
        C::IsNull | C::IsNotNull => matches!(subject, Subject::Param(_) | Subject::Tag(_)),
    };
    if is_taken {
        return Ok(());
    }
    Err(match comparator {
        C::In | C::NotIn => "only attributes.run_id is compared with a list".to_owned(),
        C::IsNull | C::IsNotNull => "only params and tags may be missing".to_owned(),
        _ if is_numeric(subject) => {
            format!("{subject} is a number: compare it by =, !=, >, >=, <, <=")
        }
        _ => format!("{subject} is a text: compare it by =, !=, LIKE, ILIKE"),
    })
}

fn attribute(name: &str, place: usize) -> Result<Attribute, Mistake> {
    Ok(match name {
        "run_id" => Attribute::RunId,
        "run_name" | "run name" | "Run name" | "Run Name" => Attribute::RunName,
        "status" => Attribute::Status,
        "user_id" => Attribute::UserId,
        "artifact_uri" => Attribute::ArtifactUri,
        "start_time" | "created" | "Created" => Attribute::StartTime,
        "end_time" => Attribute::EndTime,
        other => {
            let known = "run_id, run_name, status, start_time, end_time, artifact_uri, user_id";
            let message = if ENTITIES.contains(&other) {
                format!("`{other}` lacks a dot and a name, as in {other}.accuracy")
            } else {
                format!("there is no attribute `{other}`; there are {known}")
            };
            return Err(Mistake::new(place, message));
        }
    })
}
