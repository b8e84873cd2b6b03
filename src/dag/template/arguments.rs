//! Arguments of a function as Python takes them: by place or by name.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};

use crate::suggest;

/// What a call was given, by name.
#[derive(Debug)]
pub struct Arguments {
    given: Vec<(&'static str, Value)>,
}

impl Arguments {
    /// Sorts the arguments of a call by the names that `function` takes, in their order.
    pub fn read(
        function: &str,
        names: &'static [&'static str],
        args: &[Value],
    ) -> Result<Self, Error> {
        let (places, named) = match args.split_last() {
            Some((last, places)) if last.is_kwargs() => {
                (places, Some(Kwargs::try_from(last.clone())?))
            }
            _ => (args, None),
        };
        if places.len() > names.len() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        let mut given: Vec<_> = names.iter().copied().zip(places.iter().cloned()).collect();
        for name in named.iter().flat_map(Kwargs::args) {
            let Some(known) = names.iter().find(|known| **known == name) else {
                let hint = suggest::hint(name, "arguments", names.iter().copied());
                let text = format!("`{function}` takes no `{name}`; {hint}");
                return Err(Error::new(ErrorKind::TooManyArguments, text));
            };
            if let Some(named) = &named {
                given.push((known, named.peek(name)?));
            }
        }
        Ok(Self { given })
    }

    /// Returns an argument as it was given.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    /// Returns a text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        let Some(value) = self.value(name).filter(|value| !value.is_none()) else {
            return Ok(None);
        };
        let wrong = || Error::new(ErrorKind::InvalidOperation, format!("`{name}` is no text"));
        value.as_str().map(Some).ok_or_else(wrong)
    }

    /// Returns an argument; `None` where it was not given or is none.
    pub fn get<T: TryFrom<Value, Error = Error>>(&self, name: &str) -> Result<Option<T>, Error> {
        let given = self.value(name).filter(|value| !value.is_none());
        given.map(|value| T::try_from(value.clone())).transpose()
    }
}
