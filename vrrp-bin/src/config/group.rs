//! Groups: virtual routers that move together.

use std::collections::HashMap;

use vrrp_core::GroupPolicy;
use vrrp_net::Group;

use super::{
    draft::List,
    found::{Found, Wrong},
    names::{Known, is_name, settle_name},
    place::{Located, Place},
    problem::Problems,
    router::RouterConfig,
    script::Scripts,
};

/// What a hold of one member means to the others.
pub(super) const POLICIES: &[(&str, GroupPolicy)] =
    &[("all", GroupPolicy::All), ("any", GroupPolicy::Any)];

/// A group as a reader found it.
pub(crate) struct GroupDraft {
    /// Where it starts: the place of whatever is not there.
    pub(crate) place: Place,
    pub(crate) name: Found<Located<String>>,
    pub(crate) members: Found<List<String>>,
    pub(crate) policy: Found<GroupPolicy>,
    pub(crate) scripts: Found<Scripts>,
}

impl GroupDraft {
    /// A group of which nothing is known yet.
    pub(crate) const fn new(place: Place) -> Self {
        Self {
            place,
            name: Found::Absent,
            members: Found::Absent,
            policy: Found::Absent,
            scripts: Found::Absent,
        }
    }
}

/// A group that keeps every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupConfig {
    /// Its name, unique in the configuration.
    pub(crate) name: String,
    /// The names of its virtual routers, in the order in which it names them: the first one decides.
    pub(crate) members: Vec<String>,
    /// What a hold of one member means to the others.
    pub(crate) policy: GroupPolicy,
    /// The programs that are told its states.
    pub(crate) scripts: Scripts,
}

/// A virtual router of the configuration, or two if it has addresses of both families. None where it
/// is wrong.
type Families = Vec<RouterConfig>;

/// Puts virtual routers into the groups that name them, and two families of one into a group of
/// their own if none does. Returns all groups.
pub(super) fn finish(
    drafts: Vec<GroupDraft>,
    known: &Known,
    routers: &mut [Families],
    problems: &mut Problems,
) -> Vec<GroupConfig> {
    let mut places: HashMap<String, Place> = HashMap::new();
    let mut all = Vec::new();
    for draft in drafts {
        let place = draft.place.clone();
        let Ok((name, group)) = draft.settle(known, problems) else { continue };
        if let Some(earlier) = places.get(&*group.group.name) {
            let message = format!(
                "the name {:?} is already the one of another group ({}); choose another",
                group.group.name,
                earlier.reference()
            );
            problems.add(&name, message);
            continue;
        }
        places.insert(group.group.name.to_string(), place);
        for member in &group.members {
            join(&group, member, routers, problems);
        }
        all.push(group.named(routers));
    }
    for families in routers.iter_mut() {
        let [first, second] = families.as_mut_slice() else { continue };
        if first.group.is_some() {
            continue;
        }
        let name = families_name(first);
        if let Some(earlier) = places.get(&name) {
            let message = format!(
                "the two families of this virtual router make the group {name:?}, and there is one \
                 of that name already ({}); give the virtual router or that group another name",
                earlier.reference()
            );
            problems.add(&first.places.name, message);
        }
        places.insert(name.clone(), first.places.name.clone());
        first.group = Some(Group::any(&name));
        second.group = Some(Group::any(&name));
        let members = vec![first.name.clone(), second.name.clone()];
        let (policy, scripts) = (GroupPolicy::Any, Scripts::default());
        all.push(GroupConfig { name, members, policy, scripts });
    }
    all
}

/// A group, and whom it names.
struct Settled {
    group: Group,
    members: Vec<Located<String>>,
    scripts: Scripts,
}

impl Settled {
    /// The virtual routers that it names, both families of each, in its order.
    fn named(&self, routers: &[Families]) -> GroupConfig {
        let mut members: Vec<String> = Vec::new();
        for member in &self.members {
            let named =
                |families: &&Families| families.iter().any(|router| router.name == member.value);
            for router in routers.iter().find(named).into_iter().flatten() {
                if !members.contains(&router.name) {
                    members.push(router.name.clone());
                }
            }
        }
        let Group { name, policy, .. } = &self.group;
        let scripts = self.scripts.clone();
        GroupConfig { name: name.to_string(), members, policy: *policy, scripts }
    }
}

impl GroupDraft {
    fn settle(self, known: &Known, problems: &mut Problems) -> Result<(Place, Settled), Wrong> {
        let name = settle_name(&self.name, &self.place, "group", "lan-and-wan", problems);
        let members = match self.members.clone().optional()? {
            Some(list) if !list.entries.is_empty() => settle_members(list, known, problems),
            empty => {
                let place = empty.map_or_else(|| self.place.clone(), |list| list.place);
                let message = "this group has no `members`; add for example members = [\"web\"]";
                problems.wrong(&place, message)
            }
        };
        let policy = self.policy.unwrap_or(GroupPolicy::default());
        let scripts = self.scripts.unwrap_or(Scripts::default());
        let (Located { place, value: name }, members) = (name?, members?);
        let group = match policy? {
            GroupPolicy::All => Group::all(&name),
            GroupPolicy::Any => Group::any(&name),
        };
        Ok((place, Settled { group, members, scripts: scripts? }))
    }
}

/// Virtual routers that are there, each once.
fn settle_members(
    list: List<String>,
    known: &Known,
    problems: &mut Problems,
) -> Result<Vec<Located<String>>, Wrong> {
    let members = list.complete()?.value;
    let mut seen = Vec::new();
    for Located { place, value: name } in &members {
        if let Some(advice) = known.missing(name, "add a [[virtual_router]] of that name") {
            problems.add(place, format!("there is no virtual router {name:?}; {advice}"));
        } else if seen.contains(&name) {
            problems.add(place, format!("{name:?} is listed twice; remove one of them"));
        }
        seen.push(name);
    }
    Ok(members)
}

/// Puts what `member` names into `group`: both families, by whichever name.
fn join(
    group: &Settled,
    member: &Located<String>,
    routers: &mut [Families],
    problems: &mut Problems,
) {
    let named =
        |families: &&mut Families| families.iter().any(|router| router.name == member.value);
    let Some(families) = routers.iter_mut().find(named) else { return };
    for router in families {
        match &router.group {
            Some(other) if *other != group.group => {
                let message = format!(
                    "{:?} is already in the group {:?}; a virtual router moves with one group, so \
                     remove it from one of them",
                    member.value, other.name
                );
                problems.add(&member.place, message);
                return;
            }
            _ => router.group = Some(group.group.clone()),
        }
    }
}

/// What the group of two families is called: by their name, or INTERFACE-VRID.
fn families_name(router: &RouterConfig) -> String {
    let family = format!("-{}", router.router.family());
    let made = format!("{}-{}{family}", router.interface, router.router.vrid());
    let name = router.name.strip_suffix(&family).filter(|_| router.name == made);
    // Of an interface's name there may be more than a name of ours can have.
    let fit = |c: char| if is_name(c.encode_utf8(&mut [0; 4])) { c } else { '_' };
    name.unwrap_or(&router.name).chars().map(fit).collect()
}
