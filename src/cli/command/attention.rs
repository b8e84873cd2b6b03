//! `attention`: what somebody should look at, for people and for scripts.

use crate::cli::command::{ask, expect_answer};
use crate::cli::error::CliError;
use crate::cli::output::{Output, ago, table};
use crate::runtime::Layout;
use crate::types::ask::{Answer, Request};
use crate::types::attention::AttentionItem;
use crate::types::event::Severity;

/// Lists it; exits with 1 where there is something.
pub async fn attention(layout: &Layout, output: &mut Output) -> Result<u8, CliError> {
    let answer = ask(layout, Request::ListAttention).await?;
    let items = expect_answer!(answer, Answer::Attention(items) => items, "attention");
    output.answer(&items, |items| list(items));
    Ok(u8::from(!items.is_empty()))
}

fn list(items: &[AttentionItem]) -> String {
    let row = |item: &AttentionItem| {
        let word = match item.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "asks",
        };
        vec![
            word.to_owned(),
            item.subject.clone(),
            item.text.clone(),
            ago(item.since),
            item.remedy.clone(),
        ]
    };
    let header = ["", "ABOUT", "WHAT", "SINCE", "SEE"];
    table(&header, items.iter().map(row), "nothing needs attention")
}
