//! Effective settings, each with where it came from.
