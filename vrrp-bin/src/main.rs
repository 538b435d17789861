//! The `vrrp` program. All of it is in the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    vrrp_bin::main()
}
