//! Parts that screens are made of.

pub(crate) mod chart;
pub(crate) mod chord;
pub(crate) mod dialog;
pub(crate) mod graph;
pub(crate) mod layered;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod markdown;
pub(crate) mod menu;
pub(crate) mod paint;
pub(crate) mod palette;
pub(crate) mod sheet;
pub(crate) mod table;
pub(crate) mod tour;
