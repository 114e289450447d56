//! One integration binary, a file per command.

mod architecture;
