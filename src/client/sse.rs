//! Reads server-sent events: the part of the format that the control API writes.

/// Collects chunks and gives the `data` of each whole event.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    data: String,
}

impl Parser {
    /// Takes a chunk; calls `event` with the data of each event that it ends.
    pub(crate) fn feed(&mut self, chunk: &[u8], mut event: impl FnMut(&str)) {
        for &byte in chunk {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line);
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                if !self.data.is_empty() {
                    event(&self.data);
                    self.data.clear();
                }
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
            self.line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_they_are_cut() {
        let text = ": keep-alive\n\nid: 1\ndata: {\"a\":1}\n\ndata: x\ndata: ä\n\n";
        for size in 1..text.len() {
            let (mut parser, mut found) = (Parser::default(), Vec::new());
            for chunk in text.as_bytes().chunks(size) {
                parser.feed(chunk, |data| found.push(data.to_owned()));
            }
            assert_eq!(found, ["{\"a\":1}", "x\nä"], "chunks of {size}");
        }
    }
}
