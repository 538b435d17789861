//! A model of RFC 9568 6.4 and RFC 3768 6.4 that was written from their text, against the router.

#[path = "reference/codec.rs"]
mod codec;
