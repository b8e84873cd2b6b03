//! Reads logs of attempts, from any offset, as they grow.
