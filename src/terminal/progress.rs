//! Progress of a run: a bar on a terminal, lines elsewhere.
