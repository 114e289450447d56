//! The scheduler's laws: examples worked out by hand, and properties over random plans under a virtual clock.

mod examples;
mod properties;
mod world;
