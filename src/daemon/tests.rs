//! Whole daemons.
