//! Who holds the addresses, as the configuration says.

use std::{ffi::OsString, io, sync::Arc};

use vrrp_net::{
    VipBackend,
    backend::{self, Before, Netlink},
};

use crate::{
    config::{Backend, Command, Located, RouterConfig, Script},
    import::environment,
    notify,
};

/// What the backends of all virtual routers share.
pub(crate) struct Backends {
    leased: Arc<dyn VipBackend>,
    permanent: Arc<dyn VipBackend>,
    /// The variables of the environment that no program sees.
    secrets: Vec<OsString>,
}

impl Backends {
    /// Opens the kernel's netlink.
    ///
    /// # Errors
    /// What the operating system says when it is out of reach.
    pub(crate) fn new() -> io::Result<Self> {
        let kernel = Netlink::new()?;
        Ok(Self {
            leased: Arc::new(kernel.clone()),
            permanent: Arc::new(kernel.permanent()),
            secrets: environment::secrets(),
        })
    }

    /// The backend of `router`, with what runs before it.
    pub(crate) fn of(&self, router: &RouterConfig) -> Arc<dyn VipBackend> {
        let backend = match &router.backend {
            Backend::Kernel { lease: true } => Arc::clone(&self.leased),
            Backend::Kernel { lease: false } => Arc::clone(&self.permanent),
            Backend::Command(command) => self.command(command),
        };
        match &router.before {
            Some(Located { value: script, .. }) => self.before(backend, script),
            None => backend,
        }
    }

    fn command(&self, command: &Command) -> Arc<dyn VipBackend> {
        let Command { program, arguments, timeout, reach } = command;
        let command = backend::Command::new(program).args(arguments).limit(*timeout).reach(*reach);
        Arc::new(self.secrets.iter().fold(command, backend::Command::env_remove))
    }

    fn before(&self, inner: Arc<dyn VipBackend>, script: &Script) -> Arc<dyn VipBackend> {
        let program = notify::program(&script.program);
        let program = self.secrets.iter().fold(program, vrrp_net::Program::env_remove);
        Arc::new(Before::new(inner, program).limit(script.timeout))
    }
}
