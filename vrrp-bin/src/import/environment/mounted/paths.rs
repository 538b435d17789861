//! Where the images look for keepalived.conf, and which variables say so.

use std::path::PathBuf;

use super::Files;
use crate::{
    config::Found,
    import::environment::{
        reader::{Empty, Reader},
        style::Style,
    },
};

/// osixia 1.x to 2.1.5: used as it is.
const OSIXIA: &str = "/usr/local/etc/keepalived/keepalived.conf";
/// osixia 1.x to 2.1.5: variables are put in.
const OSIXIA_ASSETS: &str = "/container/service/keepalived/assets/keepalived.conf";
/// osixia 2.3.4: variables are put in.
const OSIXIA_TEMPLATE: &str =
    "/container/services/keepalived-conf/assets/confs/keepalived.conf.template";
/// All the others.
const COMMON: &str = "/etc/keepalived/keepalived.conf";

/// Where a file tells by itself that it is to be read.
pub(super) const KNOWN: &[&str] = &[OSIXIA, COMMON, OSIXIA_TEMPLATE, OSIXIA_ASSETS];

/// Variables that say which file is read, or how keepalived is run.
pub(super) const ABOUT_FILES: &[&str] = &[
    "KEEPALIVED_AUTOCONF",
    "KEEPALIVED_CMD",
    "KEEPALIVED_COMMAND_LINE_ARGUMENTS",
    "KEEPALIVED_CONF",
    "KEEPALIVED_CONF_RELOAD_SCRIPT",
    "KEEPALIVED_CONF_TEMPLATE",
    "KEEPALIVED_CUSTOM_CONFIG",
    "KEEPALIVED_DEBUG",
    "KEEPALIVED_VAR_RUN",
    "CONFIG",
    "ARGUMENTS",
];

/// How variables stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// Not at all.
    Nowhere,
    /// `{{ NAME }}`.
    Braces,
    /// `${NAME}` and `$NAME`, as the shell writes them.
    Shell,
}

/// A file that may be there.
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) marks: Marks,
    /// The variable that names it.
    pub(super) named: Option<&'static str>,
    /// Whether the image does not start without it.
    pub(super) is_needed: bool,
}

/// The files that an image looks for, the first one first.
pub(super) fn candidates(style: Style, files: Files<'_>, reader: &mut Reader) -> Vec<Candidate> {
    match style {
        Style::Osixia => osixia(files, reader),
        Style::Arcts => arcts(files, reader).into_iter().collect(),
        Style::Shawly => shawly(files, reader).into_iter().collect(),
        Style::Ednxzu => vec![ednxzu(files, reader)],
        Style::Own => Vec::new(),
    }
}

fn osixia(files: Files<'_>, reader: &mut Reader) -> Vec<Candidate> {
    let conf = named("KEEPALIVED_CONF", Marks::Nowhere, reader);
    let template = named("KEEPALIVED_CONF_TEMPLATE", Marks::Shell, reader);
    let of_image = |path, marks| Candidate::of_image(files, path, marks);
    let common = conf.is_none().then(|| of_image(COMMON, Marks::Nowhere));
    let of_template = template.is_none().then(|| of_image(OSIXIA_TEMPLATE, Marks::Shell));
    let candidates = [
        conf,
        Some(of_image(OSIXIA, Marks::Nowhere)),
        common,
        template,
        of_template,
        Some(of_image(OSIXIA_ASSETS, Marks::Braces)),
    ];
    candidates.into_iter().flatten().collect()
}

/// Any word but `true` keeps the image from writing the file by its variables.
fn arcts(files: Files<'_>, reader: &mut Reader) -> Option<Candidate> {
    const AUTO: &str = "KEEPALIVED_AUTOCONF";
    let Found::Value(auto) = reader.text(AUTO, Empty::Absent) else { return None };
    if auto.value.eq_ignore_ascii_case("true") {
        return None;
    }
    // The image runs this command, which may name another file.
    let command = reader.plain("KEEPALIVED_CMD").and_then(file_of_command).map(PathBuf::from);
    let named = named("KEEPALIVED_CONF", Marks::Nowhere, reader);
    let default = || Candidate::of_image(files, COMMON, Marks::Nowhere);
    let candidate = named.unwrap_or_else(default);
    let path = command.unwrap_or(candidate.path);
    Some(Candidate { path, named: Some(AUTO), is_needed: true, ..candidate })
}

/// The file behind `-f`.
fn file_of_command(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    words.find(|word| ["-f", "--use-file"].contains(word))?;
    words.next()
}

/// The image says that it reads a file of one's own only where it is told so.
fn shawly(files: Files<'_>, reader: &mut Reader) -> Option<Candidate> {
    const CUSTOM: &str = "KEEPALIVED_CUSTOM_CONFIG";
    let candidate = Candidate::of_image(files, COMMON, Marks::Nowhere);
    if reader.plain(CUSTOM).is_some_and(|text| text.trim() == "true") {
        return Some(Candidate { named: Some(CUSTOM), is_needed: true, ..candidate });
    }
    if matches!(files.read(&candidate.path), Ok(Some(_))) {
        let message = format!(
            "{} is there and is not read; set this to true to have it read in place of the \
             variables",
            candidate.path.display()
        );
        reader.warn(CUSTOM, message);
    }
    None
}

fn ednxzu(files: Files<'_>, reader: &mut Reader) -> Candidate {
    match named("CONFIG", Marks::Shell, reader) {
        Some(candidate) => Candidate { is_needed: true, ..candidate },
        None => Candidate::of_image(files, COMMON, Marks::Shell),
    }
}

/// The file whose path is in `variable`.
fn named(variable: &'static str, marks: Marks, reader: &mut Reader) -> Option<Candidate> {
    let Found::Value(path) = reader.text(variable, Empty::Absent) else { return None };
    Some(Candidate { path: path.value.into(), marks, named: Some(variable), is_needed: false })
}

impl Candidate {
    fn of_image(files: Files<'_>, path: &str, marks: Marks) -> Self {
        Self { path: files.below(path), marks, named: None, is_needed: false }
    }
}
