//! Values to text, one format a file. Reports count nothing themselves.

mod json;
mod table;
