//! Programs that embed the VRRP crates, each in less than eighty lines.
//!
//! | program | what it shows |
//! |---|---|
//! | `failover.rs` | an address that moves to this node when the other one dies |
//! | `custom_backend.rs` | a cloud's floating IP, moved by an HTTP call |
//! | `database.rs` | a writer beside a checked database, on the node that has the address |
//! | `blocking_loop.rs` | the core without tokio: one socket, one loop |
//!
//! They are run with `cargo run -p vrrp-examples --example NAME -- ARGUMENTS`, and need the rights
//! to open raw sockets (and, the first, to change addresses): root, or `CAP_NET_RAW` and
//! `CAP_NET_ADMIN`.

/// The programs of the pages that everybody reads first: they compile as they stand there.
#[cfg(doctest)]
mod readme {
    #[doc = include_str!("../../README.md")]
    struct Repository;
    #[doc = include_str!("../../vrrp-core/README.md")]
    struct Core;
    #[doc = include_str!("../../vrrp-net/README.md")]
    struct Net;
    #[doc = include_str!("../../vrrp-bin/README.md")]
    struct Program;
    #[doc = include_str!("../../docs/health.md")]
    struct Health;
}
