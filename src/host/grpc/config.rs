//! How a controller is reached.

use std::borrow::ToOwned;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::string::String;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use bytes::Bytes;
use http::uri::Scheme;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::credentials::{Credentials, NoCredentials};
use super::link::reasons;
use crate::southbound::method;

/// Of which era the telemetry service of a controller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsEra {
    /// The one that the developer guide tells of.
    #[default]
    Guide,
    /// The later one, whose package is `aalyria.spacetime.api.telemetry.v1alpha`.
    Later,
}

impl MetricsEra {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Guide => method::EXPORT_METRICS,
            Self::Later => method::API_EXPORT_METRICS,
        }
    }
}

/// How a controller is reached.
#[derive(Clone, Debug)]
pub struct GrpcConfig {
    /// Where it is: `http://HOST:PORT` or `https://HOST[:PORT]`.
    pub controller: String,
    /// What shows it who speaks.
    pub credentials: Arc<dyn Credentials>,
    /// Certificates, as PEM, that vouch for it; those of the system where there are none.
    pub roots: Option<Vec<u8>>,
    /// The name in its certificate, where that is not the host of `controller`.
    pub server_name: Option<String>,
    /// Of which era its telemetry service is.
    pub metrics: MetricsEra,
    /// Whether what is sent is compressed with gzip. What comes may be in any case.
    pub compress: bool,
    /// Octets of the longest message that is taken; one that is longer ends its call.
    pub longest: usize,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How often the other end is asked whether it is there, while a call goes on.
    pub keep_alive: Duration,
}

impl GrpcConfig {
    /// What suits most: no credentials, messages of 1 MiB, a connection within 10 s.
    #[must_use]
    pub fn new(controller: &str) -> Self {
        Self {
            controller: controller.to_owned(),
            credentials: Arc::new(NoCredentials),
            roots: None,
            server_name: None,
            metrics: MetricsEra::Guide,
            compress: false,
            longest: 1 << 20,
            connect_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
        }
    }

    pub(super) fn endpoint(&self) -> Result<Endpoint, StartError> {
        let url = Bytes::copy_from_slice(self.controller.as_bytes());
        let endpoint = Endpoint::from_shared(url).map_err(|_| StartError::NotAUrl)?;
        let uri = endpoint.uri();
        let host = uri.host().ok_or(StartError::NotAUrl)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(StartError::NotAUrl);
        }
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        if !is_tls && uri.scheme() != Some(&Scheme::HTTP) {
            return Err(StartError::NotAUrl);
        }
        let endpoint = if is_tls {
            let tls = ClientTlsConfig::new().timeout(self.connect_timeout);
            let tls = match &self.roots {
                Some(roots) => tls.ca_certificate(Certificate::from_pem(roots)),
                None => tls.with_native_roots(),
            };
            let tls = match &self.server_name {
                Some(name) => tls.domain_name(name.clone()),
                None => tls,
            };
            endpoint.tls_config(tls).map_err(|error| StartError::Tls(reasons(&error)))?
        } else if self.credentials.is_none() || is_loopback(host) {
            endpoint
        } else {
            return Err(StartError::ClearText);
        };
        Ok(endpoint
            .connect_timeout(self.connect_timeout)
            .http2_keep_alive_interval(self.keep_alive)
            .keep_alive_timeout(Duration::from_secs(20))
            .tcp_nodelay(true))
    }
}

/// Whether what is sent to `host` stays on this one.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why a link cannot be.
#[derive(Debug)]
pub enum StartError {
    /// The controller is not at `http://HOST:PORT` or `https://HOST:PORT`.
    NotAUrl,
    /// Credentials would be sent in clear text to another host.
    ClearText,
    /// There are no roots of the system, or those given are none.
    Tls(String),
    /// There is no thread, or nothing that tells of sockets.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl => {
                f.write_str("a controller is at http://HOST:PORT or https://HOST:PORT")
            }
            Self::ClearText => {
                f.write_str("credentials are not sent to another host in clear text: use https://")
            }
            Self::Tls(problem) => write!(f, "TLS cannot be set up: {problem}"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::host::grpc::BearerToken;

    fn refused(config: &GrpcConfig) -> String {
        config.endpoint().unwrap_err().to_string()
    }

    #[test]
    fn controllers_are_at_urls_without_a_path() {
        for url in ["http://127.0.0.1:50051", "http://[::1]:1/", "https://controller.example"] {
            let config = GrpcConfig { roots: Some(Vec::new()), ..GrpcConfig::new(url) };
            assert!(config.endpoint().is_ok(), "{url}");
        }
        for url in
            ["", "127.0.0.1:50051", "ftp://host:1", "http://host/path", "http://host?q", "host"]
        {
            assert!(refused(&GrpcConfig::new(url)).contains("http://HOST:PORT"), "{url}");
        }
    }

    #[test]
    fn credentials_do_not_leave_the_host_in_clear_text() {
        let with = |url| GrpcConfig {
            credentials: Arc::new(BearerToken::new("t").unwrap()),
            roots: Some(Vec::new()),
            ..GrpcConfig::new(url)
        };
        for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://far"] {
            assert!(with(url).endpoint().is_ok(), "{url}");
        }
        for url in ["http://far:1", "http://10.0.0.1:1", "http://localhost.far:1"] {
            assert!(refused(&with(url)).contains("clear text"), "{url}");
        }
        assert!(GrpcConfig::new("http://far:1").endpoint().is_ok());
    }
}
