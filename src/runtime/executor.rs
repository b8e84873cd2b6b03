//! Launches, kills and adopts attempts.
