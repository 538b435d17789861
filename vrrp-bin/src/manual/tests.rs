//! The pages have all that the definitions have.

use clap::Arg;

use super::*;

fn command() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The page without its markup.
fn text(page: &[u8]) -> String {
    let page = std::str::from_utf8(page).unwrap();
    page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
}

/// How an argument is named where it is told of.
fn name(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => argument.get_value_names().unwrap_or_default().join(" "),
    }
}

#[test]
fn the_page_names_every_command_and_option() {
    let command = command();
    let whole = text(&page::whole(&command).unwrap());
    let (_, told) = whole.split_once(".SH COMMANDS").unwrap();
    let mut count = 0;
    for subcommand in page::commands(&command) {
        let heading = format!(".SS \"vrrp {}\"\n", subcommand.get_name());
        let (_, section) = told.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
        let section = section.split("\n.SS").next().unwrap().split("\n.SH").next().unwrap();
        let page = text(&page::single(subcommand).unwrap());
        for argument in subcommand.get_arguments() {
            let name = name(argument);
            let is_told = section.contains(&name);
            assert_eq!(is_told, !argument.is_hide_set(), "{name} in {heading}{section}");
            assert_eq!(page.contains(&name), is_told, "{name} in {page}");
            count += 1;
        }
    }
    assert!(count > 40, "{count} arguments");
}

#[test]
fn every_exit_status_is_told() {
    let page = text(&page::whole(&command()).unwrap());
    let (_, told) = page.split_once(".SH \"EXIT STATUS\"").unwrap();
    let told = told.split("\n.SH").next().unwrap();
    for status in [cli::OK, cli::FAILED, cli::BAD_CONFIGURATION, cli::WARNINGS, cli::NO_DAEMON] {
        assert!(told.contains(&format!(".TP\n{status}\n")), "{status} in {told}");
    }
}

#[test]
fn a_page_for_each_command_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let out = Some(directory.path().to_owned());
    assert_eq!(main(&cli::Man { out }), cli::OK);
    let written = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(written, 1 + page::commands(&command()).count());
    assert!(directory.path().join("vrrp-status.1").exists());
    let out = Some(directory.path().join("missing"));
    assert_eq!(main(&cli::Man { out }), cli::FAILED);
}
