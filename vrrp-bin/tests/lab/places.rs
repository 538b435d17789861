//! Addresses on other interfaces, addresses that are not advertised, and routes: beside keepalived,
//! and through faults.

mod beside;
mod faults;
mod golden;
mod processes;
mod router;
mod site;
pub(crate) mod table;

use libtest_mimic::Trial;

/// Played where everything is: others show nearly the same.
const LONG: [&str; 7] = [
    "places_whose_subnet_goes",
    "places_whose_interface_loses_its_carrier",
    "places_whose_interface_is_made_anew",
    "places_that_go_down_of_keepalived",
    "places_are_adopted_but_for_what_is_listed_no_more",
    "places_that_cannot_be_put_are_left_to_the_other_node",
    "places_of_arcts_environment",
];

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let all = [
        beside::tests(),
        faults::tests(),
        processes::tests(),
        golden::tests(),
        router::tests(everything),
    ];
    let is_played = |trial: &Trial| everything || !LONG.contains(&trial.name());
    all.into_iter().flatten().filter(is_played).collect()
}
