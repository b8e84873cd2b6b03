//! From words to clauses, by the rules of MLflow: metrics and times are compared with numbers,
//! all else with quoted texts, lists only where the vocabulary has it; clauses are joined by AND alone.

use super::lex::{Token, tokens};
use super::vocabulary::Vocabulary;
use super::{Attribute, Clause, Comparator, DatasetField, Mistake, Operand, Order, Subject};

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

impl Vocabulary {
    /// Reads a filter; an empty one has no clauses.
    pub fn filter(&'static self, text: &str) -> Result<Vec<Clause>, Mistake> {
        let mut reader = Reader::new(text, self)?;
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
    pub fn order(&'static self, text: &str) -> Result<Order, Mistake> {
        let mut reader = Reader::new(text, self)?;
        reader.is_order = true;
        let place = reader.place();
        let subject = reader.subject()?;
        if matches!(subject, Subject::Dataset(_)) {
            return Err(Mistake::new(place, "data sets are no order"));
        }
        let is_descending = match reader.next() {
            None => false,
            Some((_, token)) if token.is("asc") => false,
            Some((_, token)) if token.is("desc") => true,
            Some((at, token)) => {
                let text = format!("{} where ASC or DESC may stand", token.told());
                return Err(Mistake::new(at, text));
            }
        };
        match reader.next() {
            None => Ok(Order { subject, is_descending }),
            Some((at, token)) => {
                Err(Mistake::new(at, format!("{} after the end of the order", token.told())))
            }
        }
    }
}

struct Reader {
    vocabulary: &'static Vocabulary,
    /// Whether an order is read: not all that is searched by is ordered by.
    is_order: bool,
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

impl Reader {
    fn new(text: &str, vocabulary: &'static Vocabulary) -> Result<Self, Mistake> {
        let end = text.trim_end().chars().count();
        Ok(Self { vocabulary, is_order: false, tokens: tokens(text)?, at: 0, end })
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
        let checked = self.vocabulary.check(&subject, comparator);
        checked.map_err(|message| Mistake::new(place, message))?;
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
            return Err(self.wanted(self.vocabulary.expected));
        };
        if self.peek() != Some(&Token::Dot) {
            return self.attribute(&first, place).map(Subject::Attribute);
        }
        let key = self.key()?;
        let has = self.vocabulary;
        // As MLflow, which takes these words as they are written only.
        match first.as_str() {
            "metric" | "metrics" if has.metrics => Ok(Subject::Metric(key)),
            "param" | "params" | "parameter" | "parameters" if has.params => {
                Ok(Subject::Param(key))
            }
            "tag" | "tags" => Ok(Subject::Tag(key)),
            "attribute" | "attributes" | "attr" | "run" => {
                self.attribute(&key, place).map(Subject::Attribute)
            }
            "dataset" | "datasets" if has.datasets => dataset(&key, place).map(Subject::Dataset),
            other => {
                let text = format!("there is no `{other}.`; {} is expected", has.expected);
                Err(Mistake::new(place, text))
            }
        }
    }

    fn attribute(&self, name: &str, place: usize) -> Result<Attribute, Mistake> {
        self.vocabulary.attribute(name, self.is_order).ok_or_else(|| {
            let message = if ENTITIES.contains(&name) {
                format!("`{name}` lacks a dot and a name, as in {name}.accuracy")
            } else {
                let known = self.vocabulary.known(self.is_order);
                format!("there is no attribute `{name}`; there are {known}")
            };
            Mistake::new(place, message)
        })
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

pub(super) fn is_numeric(subject: &Subject) -> bool {
    match subject {
        Subject::Metric(_) => true,
        Subject::Attribute(attribute) => attribute.is_number(),
        Subject::Param(_) | Subject::Tag(_) | Subject::Dataset(_) => false,
    }
}

fn dataset(name: &str, place: usize) -> Result<DatasetField, Mistake> {
    let fields = [DatasetField::Name, DatasetField::Digest, DatasetField::Context];
    fields.into_iter().find(|field| field.name() == name).ok_or_else(|| {
        let text = format!("there is no `{name}` of a data set; there are name, digest, context");
        Mistake::new(place, text)
    })
}
