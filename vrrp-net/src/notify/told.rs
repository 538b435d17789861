//! [`Told`]: one state of a virtual router or a group, in the words of scripts and of the FIFO.

use std::{net::IpAddr, process::Command, sync::Arc};

use vrrp_core::{Cidr, Family, GroupPolicy};

use super::State;
use crate::RouterStatus;

/// What keepalived 2.2 tells as the priority of a group, which has none.
pub(super) const GROUP_PRIORITY: u8 = 0;

/// A virtual router or a group. The order is that of their telling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) name: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Instance,
    Group,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Group => "group",
        }
    }

    pub(super) const fn keepalived(self) -> &'static str {
        match self {
            Self::Instance => "INSTANCE",
            Self::Group => "GROUP",
        }
    }
}

/// One state of a virtual router or a group.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) subject: Subject,
    pub(super) state: State,
    /// Counts the states of the subject.
    pub(super) generation: u64,
    pub(super) priority: u8,
    pub(super) phase: &'static str,
    pub(super) reason: &'static str,
    /// Who is active elsewhere.
    pub(super) peer: Option<IpAddr>,
    /// Of a group there are none.
    pub(super) details: Option<Arc<Details>>,
}

impl Told {
    /// Has `command` told of it.
    pub(super) fn tell(&self, command: &mut Command, by_arguments: bool) {
        if by_arguments {
            command.args(self.arguments());
        }
        command.envs(self.environment());
    }

    fn arguments(&self) -> [String; 4] {
        let Subject { kind, name } = &self.subject;
        let (kind, state) = (kind.keepalived(), self.state.keepalived());
        [kind.to_owned(), name.to_string(), state.to_owned(), self.priority.to_string()]
    }

    fn environment(&self) -> [(&'static str, String); 12] {
        let Subject { kind, name } = &self.subject;
        let details = self.details.as_deref().cloned().unwrap_or_default();
        let [addresses, interface, vrid, family] = details.words();
        [
            ("VRRP_NAME", name.to_string()),
            ("VRRP_KIND", kind.as_str().to_owned()),
            ("VRRP_STATE", self.state.as_str().to_owned()),
            ("VRRP_PHASE", self.phase.to_owned()),
            ("VRRP_REASON", self.reason.to_owned()),
            ("VRRP_GENERATION", self.generation.to_string()),
            ("VRRP_PRIORITY", self.priority.to_string()),
            ("VRRP_ACTIVE_PEER", self.peer.map(|peer| peer.to_string()).unwrap_or_default()),
            ("VRRP_ADDRESSES", addresses),
            ("VRRP_INTERFACE", interface),
            ("VRRP_VRID", vrid),
            ("VRRP_FAMILY", family),
        ]
    }
}

/// What stays of a virtual router while its states change, unless it is configured anew; and its
/// priority and the active peer when it was last looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    interface: Arc<str>,
    vrid: Option<u8>,
    family: Option<Family>,
    addresses: Vec<Cidr>,
    pub(super) priority: u8,
    pub(super) peer: Option<IpAddr>,
    pub(super) group: Option<(Arc<str>, GroupPolicy)>,
}

impl Details {
    pub(super) fn of(status: &RouterStatus) -> Self {
        let router = &status.router;
        Self {
            interface: status.interface.clone(),
            vrid: Some(router.vrid().get()),
            family: Some(router.family()),
            addresses: router.addresses().collect(),
            // An ill service claims the least, which says nothing of the weights of its checks.
            priority: u8::from(router.role().weighted(status.health.weight)),
            peer: status.active_peer,
            group: status.group.as_ref().map(|group| (group.name.clone(), group.policy)),
        }
    }

    /// Addresses, interface, VRID and family.
    fn words(&self) -> [String; 4] {
        let addresses: Vec<String> = self.addresses.iter().map(Cidr::to_string).collect();
        let vrid = self.vrid.map(|vrid| vrid.to_string()).unwrap_or_default();
        let family = self.family.map(|family| family.to_string()).unwrap_or_default();
        [addresses.join(" "), self.interface.to_string(), vrid, family]
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::OsStr};

    use super::*;

    #[test]
    fn a_script_is_told_by_arguments_and_variables() {
        let details = Details {
            interface: "eth0".into(),
            vrid: Some(51),
            family: Some(Family::Ipv4),
            addresses: ["192.0.2.10/24", "192.0.2.11/32"].map(|cidr| cidr.parse().unwrap()).into(),
            ..Details::default()
        };
        let told = Told {
            subject: Subject { kind: Kind::Instance, name: "web".into() },
            state: State::Backup,
            generation: 7,
            priority: 150,
            phase: "backup",
            reason: "stronger-claim",
            peer: Some("192.0.2.2".parse().unwrap()),
            details: Some(Arc::new(details)),
        };
        let mut command = Command::new("/bin/notify");
        told.tell(command.arg("own"), true);
        let arguments: Vec<&OsStr> = command.get_args().collect();
        assert_eq!(arguments, ["own", "INSTANCE", "web", "BACKUP", "150"]);
        let variables: BTreeMap<&str, &str> = command
            .get_envs()
            .map(|(name, value)| (name.to_str().unwrap(), value.unwrap().to_str().unwrap()))
            .collect();
        let expected = BTreeMap::from([
            ("VRRP_NAME", "web"),
            ("VRRP_KIND", "instance"),
            ("VRRP_STATE", "backup"),
            ("VRRP_PHASE", "backup"),
            ("VRRP_REASON", "stronger-claim"),
            ("VRRP_GENERATION", "7"),
            ("VRRP_PRIORITY", "150"),
            ("VRRP_ACTIVE_PEER", "192.0.2.2"),
            ("VRRP_ADDRESSES", "192.0.2.10/24 192.0.2.11/32"),
            ("VRRP_INTERFACE", "eth0"),
            ("VRRP_VRID", "51"),
            ("VRRP_FAMILY", "ipv4"),
        ]);
        assert_eq!(variables, expected);
        let mut command = Command::new("/bin/notify");
        told.tell(&mut command, false);
        assert_eq!(command.get_args().count(), 0);
    }
}
