//! The reader of TOML: it finds values and their places, and fills in a [`Plan`].

mod addresses;
mod backend;
mod check;
mod daemon;
mod entry;
mod group;
mod keys;
mod routes;
mod script;
mod section;
mod track;
mod unicast;
mod values;

use std::path::Path;

use ::toml::{Spanned, de::DeTable};

use super::{
    check::LASTS, draft::Draft, files::ReadFile, found::Wrong, place::Place, plan::Plan,
    problem::Problems, sentence::Notation,
};
use section::{Item, Section, Source};

/// A virtual router, for sentences.
const EXAMPLE: &str = "[[virtual_router]] with interface, vrid and addresses";

/// Reads `text` as the content of the file at `path`. `read_file` reads what `password_file` names.
pub(super) fn read(path: &Path, text: &str, read_file: ReadFile) -> (Plan, Problems) {
    let source = Source::new(path, text, read_file);
    let mut plan = Plan::new(Notation::Toml, Place::File(path.into(), None));
    let (document, errors) = DeTable::parse_recoverable(text);
    let at = |error: &::toml::de::Error| error.span().map_or(0, |span| span.start);
    // The errors after the first one are mostly its consequences.
    match errors.iter().min_by_key(|error| at(error)) {
        Some(error) => source.report(at(error), not_toml(error)),
        None => fill(&mut plan, &document, &source),
    }
    (plan, source.into_problems())
}

fn fill(plan: &mut Plan, document: &Spanned<DeTable<'_>>, source: &Source<'_>) {
    let file = Section::new(0, document.get_ref(), &keys::FILE, source);
    plan.drafts = drafts(&file).unwrap_or_default();
    plan.checks = file.read("check", check::read).unwrap_or(Vec::new()).unwrap_or_default();
    plan.groups = file.read("group", group::read).unwrap_or(Vec::new()).unwrap_or_default();
    daemon::fill(plan, &file);
}

/// The TOML parser's sentence, with what it leaves to be guessed.
fn not_toml(error: &::toml::de::Error) -> String {
    let empty = error.span().is_some_and(|span| span.is_empty());
    let what = match error.message().split(", expected").next().unwrap_or_default() {
        "string values must be quoted" if empty => "a value is missing here",
        "string values must be quoted" => "strings must be in quotes",
        "duplicate key" => return "this key is set twice; remove one of them".to_owned(),
        "unexpected leading zero" => "a number cannot start with 0",
        _ => error.message(),
    };
    format!(
        "this is not TOML: {what}; write key = value, lists as [1, 2] and strings in \"quotes\""
    )
}

/// The virtual routers, each as far as it can be read.
fn drafts(file: &Section<'_>) -> Result<Vec<Draft>, Wrong> {
    let none = || format!("there is no virtual router; add {EXAMPLE}");
    let item = file.required("virtual_router", none)?;
    let items = item.tables("virtual_router", EXAMPLE)?;
    if items.is_empty() {
        return item.wrong(none());
    }
    Ok(items.into_iter().filter_map(|item| draft(item).ok()).collect())
}

fn draft(item: Item<'_>) -> Result<Draft, Wrong> {
    let Some(section) = item.as_section(&keys::VIRTUAL_ROUTER) else {
        return item.wrong(format!("a virtual router is a table; write {EXAMPLE}"));
    };
    let mut draft = Draft::new(Notation::Toml, section.place());
    draft.name = section.read("name", |item| item.string("web"));
    draft.interface = section.read("interface", |item| item.string("eth0"));
    draft.vrid = section.read("vrid", values::vrid);
    draft.addresses = section.read("addresses", addresses::read);
    draft.extra = section.read("extra_addresses", addresses::read);
    draft.routes = section.read("routes", routes::read);
    draft.version = section.read("version", values::version);
    draft.interval = section.read("interval", |item| item.duration("250ms"));
    draft.priority = section.read("priority", values::priority);
    draft.preempt = section.read("preempt", values::preempt);
    draft.password = values::password(&section);
    draft.checksum = section.read("checksum", |item| item.choice(values::CHECKSUMS));
    draft.lease = section.read("lease", Item::bool);
    draft.backend = section.read("backend", backend::read);
    draft.announcements = section.read("announce", values::announcements);
    draft.peers = section.read("peers", unicast::peers);
    draft.hear = section.read("hear", |item| item.choice(unicast::HEAR));
    draft.source = section.read("source", unicast::source);
    draft.startup_delay = section.read("startup_delay", |item| item.duration("10s"));
    draft.up_delay = section.read("up_delay", |item| item.duration("10s"));
    draft.look = section.read("look", |item| Ok(item.choice(values::LOOKS)?.value));
    draft.track = section.read("track", track::read);
    draft.scripts = script::notify(&section);
    draft.before = section.read("before_active", script::before);
    draft.last = section.read("last", |item| item.choice(LASTS));
    Ok(draft)
}
