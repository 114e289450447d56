//! Files: plans in (bounded, and only what is a file), reports out (atomically).
