//! Text for people, as a terminal of 80 columns shows it: tables, ages, and lines that go on.

pub(crate) mod columns;
pub(crate) mod table;
pub(crate) mod wrap;
