//! Whose certificates are believed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::check::{blocking::Turn, outcome::Outcome};

/// What all checks share that believe the host's authorities.
static OF_HOST: Mutex<Option<Arc<ClientConfig>>> = Mutex::new(None);

/// Returns what believes those in `file`, or the host's authorities.
pub(super) async fn connector(file: Option<&Path>, turn: &Turn) -> Result<TlsConnector, Outcome> {
    let config = match file.map(PathBuf::from) {
        Some(file) => turn.take(move || of_file(&file)).await,
        None => turn.take(of_host).await,
    };
    config.and_then(|done| done).map(TlsConnector::from).map_err(Outcome::NotRun)
}

fn of_file(file: &Path) -> Result<Arc<ClientConfig>, String> {
    let shown = file.display();
    let unreadable = |error| format!("the certificates in {shown} cannot be read: {error}");
    let certificates = CertificateDer::pem_file_iter(file).map_err(unreadable)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|error| format!("a certificate in {shown} cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err(format!("there is no certificate in {shown}; write some in PEM"));
    }
    config(roots)
}

fn of_host() -> Result<Arc<ClientConfig>, String> {
    let mut shared = OF_HOST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = &*shared {
        return Ok(config.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some hosts have some that are too old to be read.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(format!(
            "this host has no certificates of authorities{why}; install them (ca-certificates), or \
             name a file of your own"
        ));
    }
    let config = config(roots)?;
    *shared = Some(config.clone());
    Ok(config)
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
