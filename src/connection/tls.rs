//! TLS as a client: rustls on ring, with the roots that the machine trusts, or with those of a
//! file where a connection names one.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("read the certificates of `{path}`: {reason}")]
    File { path: String, reason: String },
    #[error("set TLS up")]
    Rustls(#[from] rustls::Error),
}

/// Returns the configuration of those whom the machine trusts. Its roots are read once.
pub fn of_machine() -> Result<Arc<ClientConfig>, TlsError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(known) = CONFIG.get() {
        return Ok(Arc::clone(known));
    }
    let made = with(machine_roots())?;
    Ok(Arc::clone(CONFIG.get_or_init(|| made)))
}

/// Returns the configuration of those who talk without TLS.
pub fn of_nobody() -> Result<Arc<ClientConfig>, TlsError> {
    with(RootCertStore::empty())
}

/// Returns the configuration of those whom a file of PEM certificates names, and of nobody else.
pub fn of_file(path: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let failed = |reason: String| TlsError::File { path: path.display().to_string(), reason };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    with(pem_roots(&pem).map_err(failed)?)
}

/// Reads whom the machine trusts.
pub fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // One that cannot be read is one less, as browsers take it.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Reads the certificates of a text in PEM; one that holds none is an error.
pub fn pem_roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(roots) }
}

fn with(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_nobody_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(of_file(&path).unwrap_err().to_string().contains("ca.pem"));
        std::fs::write(&path, "nothing of the kind\n").unwrap();
        let text = of_file(&path).unwrap_err().to_string();
        assert!(text.ends_with("ca.pem`: it holds no certificate"), "{text}");
    }
}
