//! Strict rendering of one scalar: expressions only, bounded, errors with spans.
