//! The scheduler's laws: examples worked out by hand, and properties over random plans under a virtual clock.

mod books;
mod choice;
mod elsewhere;
mod examples;
mod history;
mod laws;
mod pace;
mod properties;
mod resume;
mod selection;
mod service;
mod world;
