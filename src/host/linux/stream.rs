//! A connection to a listener of this machine, with TLS where it speaks that.
//!
//! The certificate is not judged: it is the user's own nginx on the loopback address, and what is asked for is whether
//! it answers, not who it is.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::super::facts::Probe;
use super::super::nginx::{Preface, Scheme};

pub(super) trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

/// Connects; an error says why in a few words.
pub(super) async fn connect(probe: &Probe) -> Result<Box<dyn Both>, String> {
    let mut stream = TcpStream::connect(probe.address)
        .await
        .map_err(|error| io_words(&error))?;
    stream.set_nodelay(true).map_err(|error| io_words(&error))?;
    match probe.preface {
        Preface::None => {}
        Preface::Proxy => {
            let own = stream.local_addr().map_err(|error| io_words(&error))?;
            let header = proxy_header(own, probe.address);
            let written = stream.write_all(header.as_bytes()).await;
            written.map_err(|error| io_words(&error))?;
        }
    }
    match probe.scheme {
        Scheme::Http => Ok(Box::new(stream)),
        Scheme::Https => {
            let connector = TlsConnector::from(Arc::new(client()?));
            let secure = connector.connect(name(&probe.host), stream).await;
            Ok(Box::new(secure.map_err(|error| io_words(&error))?))
        }
    }
}

/// Why there is no connection, in a few words.
pub(super) fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "connection reset".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "unreachable".to_owned(),
        ErrorKind::TimedOut => "timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// Version 1 of the PROXY protocol: a line that names both ends
/// (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>, section 2.1).
fn proxy_header(from: SocketAddr, to: SocketAddr) -> String {
    let family = if to.is_ipv4() { "TCP4" } else { "TCP6" };
    format!(
        "PROXY {family} {} {} {} {}\r\n",
        from.ip(),
        to.ip(),
        from.port(),
        to.port()
    )
}

/// What nginx chooses a certificate and a `server` block by; a name that is none is left out.
fn name(host: &str) -> ServerName<'static> {
    ServerName::try_from(host.to_owned())
        .unwrap_or_else(|_no_name| ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST)))
}

fn client() -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = versions
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OurOwnNginx(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Takes every certificate whose owner can sign with it.
#[derive(Debug)]
struct OurOwnNginx(Arc<CryptoProvider>);

impl ServerCertVerifier for OurOwnNginx {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_header_names_both_ends() {
        let header = |from: &str, to: &str| {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            proxy_header(from, to)
        };
        assert_eq!(
            header("127.0.0.1:50000", "127.0.0.1:80"),
            "PROXY TCP4 127.0.0.1 127.0.0.1 50000 80\r\n"
        );
        assert_eq!(
            header("[::1]:50000", "[::1]:443"),
            "PROXY TCP6 ::1 ::1 50000 443\r\n"
        );
    }
}
