//! Carries out effects, after the commit.
