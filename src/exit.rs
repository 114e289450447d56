//! The only numbers that the process may end with.
