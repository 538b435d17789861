//! Decoding and encoding one advertisement.

use divan::{AllocProfiler, Bencher, black_box};
use vrrp_benches::messages::Message;
use vrrp_core::{Advert, ChecksumForm};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const COUNTS: [u8; 3] = [1, 20, 255];

#[divan::bench(args = COUNTS)]
fn decode_v2(bencher: Bencher<'_, '_>, addresses: u8) {
    decode(bencher, &Message::v2(addresses));
}

#[divan::bench(args = COUNTS)]
fn decode_v3_ipv4(bencher: Bencher<'_, '_>, addresses: u8) {
    decode(bencher, &Message::v3_ipv4(addresses, ChecksumForm::MessageOnly));
}

#[divan::bench(args = COUNTS)]
fn decode_v3_ipv4_pseudo_header(bencher: Bencher<'_, '_>, addresses: u8) {
    decode(bencher, &Message::v3_ipv4(addresses, ChecksumForm::PseudoHeader));
}

#[divan::bench(args = COUNTS)]
fn decode_v3_ipv6(bencher: Bencher<'_, '_>, addresses: u8) {
    decode(bencher, &Message::v3_ipv6(addresses));
}

#[divan::bench(args = COUNTS)]
fn encode_v2(bencher: Bencher<'_, '_>, addresses: u8) {
    encode(bencher, &Message::v2(addresses));
}

#[divan::bench(args = COUNTS)]
fn encode_v3_ipv4(bencher: Bencher<'_, '_>, addresses: u8) {
    encode(bencher, &Message::v3_ipv4(addresses, ChecksumForm::PseudoHeader));
}

#[divan::bench(args = COUNTS)]
fn encode_v3_ipv6(bencher: Bencher<'_, '_>, addresses: u8) {
    encode(bencher, &Message::v3_ipv6(addresses));
}

fn decode(bencher: Bencher<'_, '_>, message: &Message) {
    let octets = message.octets();
    assert!(Advert::decode(&message.meta, &octets).is_ok());
    bencher.bench_local(|| Advert::decode(black_box(&message.meta), black_box(&octets)).is_ok());
}

fn encode(bencher: Bencher<'_, '_>, message: &Message) {
    let mut out = [0; Advert::MAX_LEN];
    let (advert, meta) = (message.advert(), message.meta);
    bencher.bench_local(|| {
        black_box(&advert)
            .encode(meta.source, meta.destination, message.form, black_box(&mut out))
            .is_ok()
    });
}
