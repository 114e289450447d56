//! One integration binary, a file per command.
