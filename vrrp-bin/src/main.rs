//! The `vrrp` program.

mod config;

fn main() {
    let path = std::env::args().nth(1).unwrap();
    match config::Config::load(std::path::Path::new(&path)) {
        Ok(c) => println!("{}", toml::to_string(&config::effective::Effective::from(&c)).unwrap()),
        Err(e) => println!("{e}"),
    }
}
