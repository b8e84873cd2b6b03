//! What this deck has changed: each order with the command that does the same, and how it ended.

use std::collections::VecDeque;

use crate::types::Timestamp;

/// Orders that are kept.
const KEPT: usize = 500;

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Underway,
    Done,
    Refused(String),
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) generation: u64,
    pub(crate) at: Timestamp,
    pub(crate) command: String,
    pub(crate) outcome: Outcome,
}

/// All of them, the last one first.
#[derive(Debug, Default)]
pub(crate) struct Orders(VecDeque<Order>);

impl Orders {
    /// Notes an order that was given.
    pub(crate) fn given(&mut self, generation: u64, at: Timestamp, command: String) {
        self.0.push_front(Order { generation, at, command, outcome: Outcome::Underway });
        self.0.truncate(KEPT);
    }

    /// Notes how an order ended.
    pub(crate) fn ended(&mut self, generation: u64, outcome: Outcome) {
        if let Some(order) = self.0.iter_mut().find(|order| order.generation == generation) {
            order.outcome = outcome;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.0.iter()
    }
}
