//! Programs that embed the VRRP crates, each in less than sixty lines.
//!
//! | program | what it shows |
//! |---|---|
//! | `failover.rs` | an address that moves to this node when the other one dies |
//! | `custom_backend.rs` | a cloud's floating IP, moved by an HTTP call |
//! | `blocking_loop.rs` | the core without tokio: one socket, one loop |
//!
//! They are run with `cargo run -p vrrp-examples --example NAME -- ARGUMENTS`, and need the rights
//! to open raw sockets (and, the first, to change addresses): root, or `CAP_NET_RAW` and
//! `CAP_NET_ADMIN`.
