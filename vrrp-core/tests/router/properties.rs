//! Any sequence of inputs: what has to hold after each of them.

use std::{fs, path::Path};

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;
use vrrp_core::play::SmallWorld;

use super::observer::Observer;

fn play(octets: &[u8]) {
    let world = SmallWorld::arbitrary(&mut Unstructured::new(octets)).expect("it ends early");
    let mut observer = Observer::default();
    for step in &world.steps {
        observer.play(step);
    }
    observer.end();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_inputs_keeps_the_promises(
        octets in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        play(&octets);
    }
}

/// What the fuzzer has kept, and what once failed.
#[test]
fn the_corpus_of_the_fuzzer_keeps_the_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/inputs");
    let cases: Vec<_> = fs::read_dir(folder).unwrap().map(|case| case.unwrap().path()).collect();
    assert!(cases.len() > 10, "{} cases", cases.len());
    for case in cases {
        eprintln!("{}", case.display());
        play(&fs::read(&case).unwrap());
    }
}
