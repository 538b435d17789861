//! What programs ask of a driver.

use std::sync::Arc;

use tokio::sync::oneshot;
use vrrp_core::Key;

use super::seat::Seat;
use crate::{Error, Member, NodeStatus};

type Reply<T> = oneshot::Sender<T>;

/// A request of a [`Node`](crate::Node) or [`Handle`](crate::Handle).
pub(crate) enum Command {
    Add { member: Member, reply: Reply<Result<Seat, Error>> },
    Configure { members: Vec<Member>, reply: Reply<Result<Vec<Seat>, Error>> },
    Find { name: String, reply: Reply<Result<Seat, Error>> },
    Status { reply: Reply<NodeStatus> },
    Drain { key: Key, name: Arc<str>, force: bool, reply: Reply<Result<bool, Error>> },
    Resume { key: Key, name: Arc<str>, reply: Reply<Result<(), Error>> },
    Shutdown { reply: Reply<()> },
}

/// A drain that has not ended.
pub(super) struct Drain {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) reply: Reply<Result<bool, Error>>,
}
