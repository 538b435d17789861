//! The corpora of the fuzz targets that read configurations, replayed: every file of them keeps
//! the readers' promises.

use std::{error::Error, fs, path::Path};

/// Hands every file of `fuzz/corpus/NAME` to `read`, which panics if a promise is broken.
fn replay(name: &str, least: usize, read: fn(&str)) -> Result<(), Box<dyn Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(corpus)? {
        let path = entry?.path();
        // Shown if it panics.
        println!("{}", path.display());
        // The targets skip what is no text.
        if let Ok(text) = String::from_utf8(fs::read(&path)?) {
            read(&text);
            count += 1;
        }
    }
    assert!(count >= least, "the corpus is cut short: {count}");
    Ok(())
}

#[test]
fn files_of_toml_keep_the_promises() -> Result<(), Box<dyn Error>> {
    replay("toml", 50, vrrp_bin::readers::toml)
}

#[test]
fn environments_keep_the_promises() -> Result<(), Box<dyn Error>> {
    replay("environment", 50, vrrp_bin::readers::environment)
}

#[test]
fn files_of_keepalived_keep_the_promises() -> Result<(), Box<dyn Error>> {
    replay("keepalived", 13, vrrp_bin::readers::keepalived)
}
