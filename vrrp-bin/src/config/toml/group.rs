//! `[[group]]`: virtual routers that move together.

use super::{keys, script, section::Item};
use crate::config::{
    draft::List,
    found::Wrong,
    group::{GroupDraft, POLICIES},
};

/// A group, for sentences.
const EXAMPLE: &str = "[[group]] with a name and members";

/// The groups, each as far as it can be read.
pub(super) fn read(item: Item<'_>) -> Result<Vec<GroupDraft>, Wrong> {
    let items = item.tables("group", EXAMPLE)?;
    Ok(items.into_iter().filter_map(|item| draft(item).ok()).collect())
}

fn draft(item: Item<'_>) -> Result<GroupDraft, Wrong> {
    let Some(section) = item.as_section(&keys::GROUP) else {
        return item.wrong(format!("a group is a table; write {EXAMPLE}"));
    };
    Ok(GroupDraft {
        place: section.place(),
        name: section.read("name", |item| item.string("lan-and-wan")),
        members: section.read("members", members),
        policy: section.read("policy", |item| Ok(item.choice(POLICIES)?.value)),
        scripts: script::notify(&section),
    })
}

fn members(item: Item<'_>) -> Result<List<String>, Wrong> {
    const MEMBERS: &str = "[\"web\"]";
    let member = |item: Item<'_>| match item.as_text() {
        Some(_) => item.string("web"),
        None => item.wrong_type("a list of the names of virtual routers", MEMBERS),
    };
    let items = item.list(MEMBERS)?;
    Ok(List { place: item.place(), entries: items.into_iter().map(member).collect() })
}
