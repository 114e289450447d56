//! Which task is linked to which request, what is said of those that are not, and how many calls it takes.

mod calls;
mod cases;
mod lists;
mod properties;
mod world;
