//! Addresses on other interfaces, addresses that are not advertised, and routes: beside keepalived,
//! and through faults.

mod beside;
mod faults;
mod golden;
mod processes;
mod router;
mod site;
mod table;

use libtest_mimic::Trial;

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let all = [
        beside::tests(),
        faults::tests(),
        processes::tests(),
        golden::tests(),
        router::tests(everything),
    ];
    all.into_iter().flatten().collect()
}
