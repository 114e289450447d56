//! Commands: each file wires the pieces for one command.
