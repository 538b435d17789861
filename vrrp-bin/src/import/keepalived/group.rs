//! `vrrp_sync_group`: virtual routers that move together.

use std::collections::BTreeSet;

use super::{
    blocks::Statement,
    global::Global,
    instance::Tracks,
    keywords,
    names::{self, Names},
    notify,
    report::Report,
};
use crate::config::{Found, GroupDraft, List, Located, Place, Scripts, Wrong};

/// A group, and what all its members track.
pub(super) struct Group {
    pub(super) place: Place,
    pub(super) name: String,
    scripts: Found<Scripts>,
    /// The names that the file has, which may be those of nobody.
    pub(super) members: Vec<Located<String>>,
    pub(super) tracks: Tracks,
    /// Whether the weights of what a member tracks count.
    pub(super) has_weights: bool,
}

/// Reads a group.
///
/// # Errors
/// It has no name, which was reported.
pub(super) fn read(
    block: &Statement,
    global: &Global,
    checks: &Names,
    report: &mut Report,
) -> Result<Group, Wrong> {
    let Some(name) = block.arguments().first() else {
        let message = "a vrrp_sync_group must have a name; it is left out";
        return report.skip(&block.place(), message);
    };
    let name = names::usable(name, report).value;
    let (mut members, mut tracks, mut scripts) = (Vec::new(), Tracks::default(), Found::Absent);
    let mut has_weights = false;
    for statement in block.inner() {
        match statement.keyword() {
            "group" => {
                let words = statement.inner().iter().flat_map(|entry| &entry.words);
                members
                    .extend(words.map(|word| Located::new(word.place.clone(), word.text.clone())));
            }
            "track_script" | "track_interface" | "track_file" | "track_process" => {
                tracks.take(statement, checks, report);
            }
            "sync_group_tracking_weight" | "global_tracking" => has_weights = true,
            keyword if notify::told(keyword).is_some() => {
                notify::take(statement, &mut scripts, global.user.as_ref(), report);
            }
            _ => keywords::other(statement, keywords::GROUP, report),
        }
    }
    Ok(Group { place: block.place(), name, scripts, members, tracks, has_weights })
}

impl Group {
    /// Whether it names a virtual router.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.value == name)
    }

    /// The draft, of the members that are `free`, which they are no more.
    ///
    /// # Errors
    /// There are none, which was reported.
    pub(super) fn settle(
        &mut self,
        free: &mut BTreeSet<&str>,
        report: &mut Report,
    ) -> Result<GroupDraft, Wrong> {
        self.members.retain(|Located { place, value: name }| {
            let is_free = free.remove(name.as_str());
            if !is_free {
                let message = format!(
                    "there is no vrrp_instance {name:?} that is in no group yet, it is left out"
                );
                report.warn(place, message);
            }
            is_free
        });
        if self.members.is_empty() {
            return report.skip(&self.place, "this group has no members, and is left out");
        }
        if self.members.len() == 1 {
            report.warn(&self.place, "this group has one member, which moves with no other");
        }
        let mut list = List::new(self.place.clone());
        list.entries.extend(self.members.iter().cloned().map(Ok));
        let mut draft = GroupDraft::new(self.place.clone());
        draft.name = Found::Value(Located::new(self.place.clone(), self.name.clone()));
        draft.members = Found::Value(list);
        draft.scripts = self.scripts.clone();
        Ok(draft)
    }
}
