//! [`Setup`]: who is told.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, sync::Arc};

use super::{
    Scripts, State,
    script::Script,
    told::{Kind, Subject},
};

/// Who is told what virtual routers and groups do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    routers: BTreeMap<Arc<str>, Scripts>,
    groups: BTreeMap<Arc<str>, Scripts>,
    node: Scripts,
    pub(super) fifo: Option<PathBuf>,
    pub(super) without: Vec<OsString>,
}

impl Setup {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the scripts that are told of the virtual router of this name.
    #[must_use]
    pub fn router(mut self, name: impl Into<Arc<str>>, scripts: Scripts) -> Self {
        self.routers.insert(name.into(), scripts);
        self
    }

    /// Sets the scripts that are told of the group of this name.
    #[must_use]
    pub fn group(mut self, name: impl Into<Arc<str>>, scripts: Scripts) -> Self {
        self.groups.insert(name.into(), scripts);
        self
    }

    /// Sets the scripts that are told of every virtual router and group, after their own.
    #[must_use]
    pub fn node(self, scripts: Scripts) -> Self {
        Self { node: scripts, ..self }
    }

    /// Sets the FIFO that lines are written to, as keepalived writes them:
    /// `INSTANCE "web" MASTER 100`, `GROUP "all" MASTER 0`,
    /// `INSTANCE "web" MASTER_PRIORITY 90` or `BACKUP_PRIORITY` when the effective priority has
    /// changed (which is looked at once a second), and `INSTANCE "web" MASTER_RX_LOWER_PRI 100` when
    /// a weaker Active stays one.
    ///
    /// It is made (mode 0600) if there is none, and removed at the end if it was made. A reader that
    /// is slow or absent loses lines, once what the kernel keeps for it is full; that is counted and
    /// logged, and delays nothing.
    #[must_use]
    pub fn fifo(self, path: impl Into<PathBuf>) -> Self {
        Self { fifo: Some(path.into()), ..self }
    }

    /// Keeps a variable of this process's environment from all scripts: a secret that is not
    /// theirs.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.without.push(name.into());
        self
    }

    /// The scripts that are told this state of `subject`, in their order, and whether each is told
    /// it by arguments.
    pub(super) fn scripts(&self, subject: &Subject, state: State) -> Vec<(Script, bool)> {
        let own = match subject.kind {
            Kind::Instance => self.routers.get(&subject.name),
            Kind::Group => self.groups.get(&subject.name),
        };
        let all = own.into_iter().chain([&self.node]);
        let each = |(script, by_arguments): (&Script, bool)| (script.clone(), by_arguments);
        all.flat_map(|scripts| scripts.of(state)).map(each).collect()
    }

    /// Whether nobody is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { routers, groups, node, fifo, without: _ } = self;
        let none = |scripts: &BTreeMap<Arc<str>, Scripts>| scripts.values().all(Scripts::is_empty);
        none(routers) && none(groups) && node.is_empty() && fifo.is_none()
    }
}
