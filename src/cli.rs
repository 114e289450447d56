//! Argument types and help text.
