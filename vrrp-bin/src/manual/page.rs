//! The pages themselves, in the language of man(7).

use std::io::{self, Write};

use clap::{Arg, Command};
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, italic, roman},
};

/// A section of the page that no definition has: its title, and its entries.
type Section = (&'static str, &'static [(&'static str, &'static str)]);

const SECTIONS: [Section; 5] = [
    (
        "EXIT STATUS",
        &[
            ("0", "It was done, and nothing is wrong."),
            ("1", "It was refused or is not possible; a sentence on stderr says why."),
            ("2", "The arguments or the configuration cannot be used. Nothing was done."),
            (
                "3",
                "The configuration can be used, with warnings; or vrrp scan heard something that \
                 is in conflict.",
            ),
            ("4", "No daemon answers on the control socket."),
        ],
    ),
    (
        "SIGNALS",
        &[
            (
                "TERM, INT",
                "The daemon hands its addresses over and leaves; a second one has it \
                leave at once.",
            ),
            ("HUP", "The daemon reads its configuration again, as vrrp reload has it do."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("VRRP_CONTROL", "The path of the control socket, where --control does not name it."),
            (
                "VRRP_ADDRESSES and others",
                "With --from-env: the configuration of a container, as docs/containers.md lists it.",
            ),
            ("NO_COLOR", "Set to anything: vrrp watch uses no colours."),
        ],
    ),
    (
        "FILES",
        &[
            (
                "/etc/vrrp/vrrp.toml",
                "The configuration, unless -c names another one. A file whose \
                name ends in .conf is read as keepalived's.",
            ),
            (
                "/run/vrrp/control.sock",
                "The control socket: HTTP and JSON. Whoever may open it may \
                take the addresses away.",
            ),
        ],
    ),
    (
        "EXAMPLES",
        &[
            ("vrrp check && vrrp reload", "Take over a configuration that was changed."),
            ("vrrp drain --for 10m", "Take this node out for some minutes."),
            ("vrrp scan -i eth0 --for 10s", "See who speaks VRRP on a network before joining it."),
        ],
    ),
];

/// The commands that a page tells of.
pub(super) fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set())
}

/// The page of the program: all of its commands, with their options.
pub(super) fn whole(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = beginning(command)?;
    let mut rest = Roff::new();
    rest.control("SH", ["COMMANDS"]);
    for subcommand in commands(command) {
        one(&mut rest, subcommand);
    }
    sections(&mut rest);
    page.write_all(rest.to_roff().as_bytes())?;
    Ok(page)
}

/// The page of one command.
pub(super) fn single(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = beginning(command)?;
    let mut rest = Roff::new();
    if command.get_arguments().any(is_shown) {
        rest.control("SH", ["OPTIONS"]);
        options(&mut rest, command);
    }
    if command.get_after_help().is_some() {
        rest.control("SH", ["NOTES"]);
        notes(&mut rest, command);
    }
    rest.control("SH", ["SEE ALSO"]);
    rest.text([bold("vrrp"), roman("(1)")]);
    page.write_all(rest.to_roff().as_bytes())?;
    Ok(page)
}

/// What every page begins with.
fn beginning(command: &Command) -> io::Result<Vec<u8>> {
    let version = command.get_version().unwrap_or(env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(format!("vrrp {version}")).manual("vrrp");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    Ok(page)
}

/// A command within the page of the program.
fn one(roff: &mut Roff, command: &Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    roff.control("SS", [name]);
    if let Some(about) = command.get_about() {
        roff.text([roman(sentence(&about.to_string()))]);
    }
    options(roff, command);
    notes(roff, command);
}

/// Its arguments: those in fixed places first.
fn options(roff: &mut Roff, command: &Command) {
    let (places, others): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().filter(|it| is_shown(it)).partition(|it| it.is_positional());
    for argument in places.into_iter().chain(others) {
        roff.control("TP", []);
        roff.text(header(argument));
        let mut body = argument.get_help().map(|help| sentence(&help.to_string()));
        let words: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|word| !word.is_hide_set())
            .map(|word| word.get_name().to_owned())
            .collect();
        if takes_value(argument) && !words.is_empty() {
            *body.get_or_insert_default() += &format!(" One of {}.", words.join(", "));
        }
        let default = argument.get_default_values().first().map(|value| value.to_string_lossy());
        if let Some(default) = default.filter(|_| takes_value(argument)) {
            *body.get_or_insert_default() += &format!(" The default is {default}.");
        }
        if let Some(variable) = argument.get_env() {
            let variable = variable.to_string_lossy();
            *body.get_or_insert_default() += &format!(" The variable {variable} can name it, too.");
        }
        roff.text([roman(body.unwrap_or_default())]);
    }
}

/// The name of an argument as it is written.
fn header(argument: &Arg) -> Vec<Inline> {
    let values = argument.get_value_names().unwrap_or_default().join(" ");
    if argument.is_positional() {
        let is_required = argument.is_required_set();
        let value = italic(values);
        return if is_required { vec![value] } else { vec![roman("["), value, roman("]")] };
    }
    let short = argument.get_short().map(|short| bold(format!("-{short}")));
    let long = argument.get_long().map(|long| bold(format!("--{long}")));
    let mut header: Vec<Inline> = Vec::new();
    for name in [short, long].into_iter().flatten() {
        if !header.is_empty() {
            header.push(roman(", "));
        }
        header.push(name);
    }
    if takes_value(argument) {
        header.extend([roman(" "), italic(values)]);
    }
    header
}

/// What is below the options in its help, a paragraph for each line.
fn notes(roff: &mut Roff, command: &Command) {
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in notes.lines().filter(|line| !line.trim().is_empty()) {
        roff.control("PP", []);
        roff.text([roman(line.trim())]);
    }
}

fn sections(roff: &mut Roff) {
    for (title, entries) in SECTIONS {
        roff.control("SH", [title]);
        for (name, text) in entries {
            roff.control("TP", []);
            roff.text([bold(*name)]);
            roff.text([roman(*text)]);
        }
    }
}

fn is_shown(argument: &Arg) -> bool {
    !argument.is_hide_set()
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|range| range.takes_values())
}

/// The help of an argument is a sentence without its full stop.
fn sentence(help: &str) -> String {
    let help = help.trim();
    if help.is_empty() || help.ends_with('.') { help.to_owned() } else { format!("{help}.") }
}
