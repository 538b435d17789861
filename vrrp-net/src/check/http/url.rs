//! [`Url`]: what is asked for, and of whom.

use std::fmt;

use hyper::{Uri, http::uri::Scheme};
use rustls::pki_types::ServerName;

use crate::check::target::{Host, Target};

/// A URL of `http` or `https`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    whole: Uri,
    pub(super) target: Target,
    /// The name that a certificate has to be for, if there is to be one.
    pub(super) tls_name: Option<ServerName<'static>>,
    /// What goes into the request: the path with its query.
    pub(super) path: Uri,
    /// The field `Host` (RFC 9110 7.2).
    pub(super) host: String,
}

/// Why a URL cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} cannot be asked for: {why}; write http://127.0.0.1:8080/healthz")]
#[non_exhaustive]
pub struct UrlError {
    given: String,
    why: String,
}

impl Url {
    pub(super) fn read(given: &str) -> Result<Self, UrlError> {
        Self::parse(given).map_err(|why| UrlError { given: given.to_owned(), why })
    }

    fn parse(given: &str) -> Result<Self, String> {
        let whole: Uri = given.parse().map_err(|error| format!("it is no URL ({error})"))?;
        let (default, is_tls) = match whole.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => (80, false),
            Some(scheme) if *scheme == Scheme::HTTPS => (443, true),
            Some(_) | None => return Err("it begins with neither http:// nor https://".to_owned()),
        };
        let authority = whole.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it holds a user's name".to_owned());
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port = authority.port_u16().filter(|port| *port != 0);
        let port = if has_port { port.ok_or("its port is none")? } else { default };
        let host = Host::read(authority.host()).ok_or("its host is no address and no name")?;
        let tls_name = is_tls.then(|| server_name(&host)).transpose()?;
        let path = whole.path_and_query().map_or("/", |path| path.as_str());
        let path = path.parse().map_err(|error| format!("its path is none ({error})"))?;
        let (target, host) = (Target { host, port }, authority.as_str().to_owned());
        Ok(Self { target, tls_name, path, host, whole })
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, String> {
    match host {
        Host::Address(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| "no certificate can be for such a name".to_owned()),
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.whole.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_whom_to_ask_for_what() {
        for (given, target, path, host) in [
            ("http://127.0.0.1:8080/healthz", "127.0.0.1:8080", "/healthz", "127.0.0.1:8080"),
            ("http://web.example", "web.example:80", "/", "web.example"),
            ("https://web.example/a?b=c#d", "web.example:443", "/a?b=c", "web.example"),
            ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443", "/", "[2001:db8::1]:8443"),
        ] {
            let url = Url::read(given).unwrap();
            assert_eq!(
                (url.target.to_string(), url.path.to_string(), url.host.as_str()),
                (target.to_owned(), path.to_owned(), host),
            );
            assert_eq!(url.tls_name.is_some(), given.starts_with("https"));
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_told() {
        for (given, why) in [
            ("", "no URL"),
            ("127.0.0.1:8080", "neither http:// nor"),
            ("/healthz", "neither http:// nor"),
            ("ftp://host/", "neither http:// nor"),
            ("http://user:word@host/", "user's name"),
            ("http://host:0/", "port"),
            ("http://host:65536/", "port"),
            ("http://192.0.2.300/", "no address"),
            ("https://a_b-.example/", "certificate"),
        ] {
            let error = Url::read(given).unwrap_err().to_string();
            assert!(error.contains(why), "{given}: {error}");
        }
    }
}
