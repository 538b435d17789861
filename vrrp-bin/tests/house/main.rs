//! What the project says of its own house: that its modules are in order, and what its crates
//! depend on.
#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected fails")]

mod circles;
mod external_types;
mod licences;
mod no_std;
mod rooms;
mod shared_folders;
mod sources;
