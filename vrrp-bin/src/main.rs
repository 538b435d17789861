//! The `vrrp` program: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    vrrp_bin::main()
}
