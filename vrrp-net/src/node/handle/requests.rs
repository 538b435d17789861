//! What a program asks of the driver by a [`Handle`].

use std::{sync::Arc, time::Duration};

use vrrp_core::{Health, Key, Loss, Priority, VirtualRouter};

use super::Handle;
use crate::{
    Drained, Error, RouterStatus,
    driver::{Change, Command, Reply},
};

impl Handle {
    /// How everything about it is at the moment. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn status(&self) -> Result<RouterStatus, Error> {
        self.ask(|key, name, reply| Command::StatusOf { key, name, reply }).await
    }

    /// Changes its priority in place. An owner's becomes that of a node that does not own the
    /// addresses. The next advertisement has it, and it leaves at once; the backend is asked for
    /// nothing.
    ///
    /// A smaller one does not hand over: a peer that is stronger now takes over when its
    /// Preempt_Mode says so. [`drain`](Self::drain) hands over, without a gap.
    ///
    /// The change is made when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn set_priority(&self, priority: Priority) -> Result<(), Error> {
        self.change(Change::Priority(priority)).await
    }

    /// Changes its configuration in place, without a transition: addresses that stay are served all
    /// the while, new ones are put and announced, the others are released. Its name, interface and
    /// backend stay.
    ///
    /// The change is made when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::OtherRouter`] if `router` has another VRID or family; [`Error::Unknown`] if the
    /// virtual router was removed, [`Error::Stopped`] if the node has stopped.
    pub async fn reconfigure(&self, router: VirtualRouter) -> Result<(), Error> {
        self.change(Change::Router(Box::new(router))).await
    }

    async fn change(&self, change: Change) -> Result<(), Error> {
        self.ask(|key, name, reply| Command::Change { key, name, change, reply }).await
    }

    /// Removes it: it hands over, releases, and is gone when this returns. Other handles of it end
    /// with [`Error::Unknown`].
    ///
    /// The removal goes on when the future is dropped after it was polled.
    ///
    /// # Errors
    /// [`Error::Kept`] if it was configured again meanwhile; [`Error::Unknown`] if it was removed
    /// before, [`Error::Stopped`] if the node has stopped.
    pub async fn remove(self) -> Result<(), Error> {
        self.ask(|key, name, reply| Command::Remove { key, name, reply }).await
    }

    /// Says what is known of the service behind the addresses: the sum of what its checks say, as a
    /// level. The same health said twice changes nothing, and a change takes effect at once: see
    /// [`Condition`](crate::Condition) and [`Weight`](crate::Weight).
    ///
    /// An ill service of the active node is handed over without a gap. Nobody takes over: this node
    /// goes on, and reports [`NodeEvent::Unrelieved`](crate::NodeEvent::Unrelieved).
    ///
    /// It is said when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn set_health(&self, health: Health) -> Result<(), Error> {
        self.ask(|key, name, reply| Command::Health { key, name, health, reply }).await
    }

    /// Reports that an address is lost while it should be held: to the driver, which cannot see
    /// what a cloud or a program does. The backend is asked to
    /// [`repair`](crate::VipBackend::repair), the addresses are announced anew, and no transition
    /// follows. A node that does not hold them does nothing.
    ///
    /// [`Loss::Deleted`] says that somebody took it away on purpose: after five seconds of that the
    /// node gives way to another one. [`Loss::Lapsed`] says that it just went.
    ///
    /// The loss is reported when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn report_lost(&self, loss: Loss) -> Result<(), Error> {
        self.ask(|key, name, reply| Command::Lost { key, name, loss, reply }).await
    }

    /// Announces the addresses that are held to the neighbours, now: by gratuitous ARP, or by
    /// unsolicited Neighbor Advertisements. Those that follow such an announcement by the
    /// configuration follow this one, too. It is for neighbours that were misled or missed the
    /// announcement; the node announces by itself whenever it knows of a reason.
    ///
    /// Once a second at most, for each virtual router: an announcement is a packet for every address,
    /// to everybody on the link (RFC 4861 7.2.6 has the same limit).
    ///
    /// It is announced when the future is dropped after it was polled, too.
    ///
    /// # Errors
    /// [`Error::NotActive`] if this node is not the active one; [`Error::TooSoon`] if it was asked
    /// for within a second, and nothing is announced then; [`Error::Unannounced`] if there is nothing
    /// to announce at the moment. [`Error::Unknown`] if the virtual router was removed,
    /// [`Error::Stopped`] if the node has stopped.
    pub async fn announce(&self) -> Result<(), Error> {
        self.ask(|key, name, reply| Command::Announce { key, name, reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(Key, Arc<str>, Reply<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        self.mailbox.ask(|reply| command(self.key, self.name.clone(), reply)).await?
    }

    /// Hands over to another node and stays out of the election until [`resume`](Self::resume).
    /// Returns once the addresses are released.
    ///
    /// [`Drained::Refused`]: nobody took over, and this node remains the active one. With `force`
    /// it releases the addresses nevertheless. Either is known after an interval and 100 ms at the
    /// latest, and the time that the backend takes.
    ///
    /// Of a [`Group`](crate::Group) all members are drained, or none: the first successor that one of
    /// them hears decides for all, and this returns once all of them are released.
    ///
    /// The drain counts from now on, whatever comes of the handover: it survives other addresses, a
    /// shutdown that is taken back, and a link that goes meanwhile. Dropping the future changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn drain(&self, force: bool) -> Result<Drained, Error> {
        self.drain_until_end(force, None).await
    }

    /// Drains it as [`drain`](Self::drain) does, for `duration` from now on the node's clock; time
    /// in which the host is suspended counts. Then the drain ends by itself, as
    /// [`resume`](Self::resume) ends it.
    ///
    /// A second drain replaces the end of the first one, or takes it away. A drain that ends before
    /// the handover has ended is [`Drained::Refused`].
    ///
    /// # Errors
    /// As for [`drain`](Self::drain).
    pub async fn drain_for(&self, duration: Duration, force: bool) -> Result<Drained, Error> {
        self.drain_until_end(force, Some(duration)).await
    }

    async fn drain_until_end(
        &self,
        force: bool,
        lasts: Option<Duration>,
    ) -> Result<Drained, Error> {
        self.ask(|key, name, reply| Command::Drain { key, name, force, lasts, reply }).await
    }

    /// Ends a [`drain`](Self::drain), also when the future is dropped after it was polled.
    ///
    /// # Errors
    /// [`Error::Unknown`] if the virtual router was removed, [`Error::Stopped`] if the node has
    /// stopped.
    pub async fn resume(&self) -> Result<(), Error> {
        self.ask(|key, name, reply| Command::Resume { key, name, reply }).await
    }
}
