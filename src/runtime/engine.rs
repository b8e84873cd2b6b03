//! The loop that owns all scheduling state.
