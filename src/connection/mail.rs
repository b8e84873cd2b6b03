//! Messages to people as mail: SMTP with STARTTLS or TLS, by lettre on rustls. A message bears the
//! id of what it tells of, so that one that comes twice can be known.

use std::path::Path;
use std::time::Duration;

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::connection::OpenConnection;
use crate::connection::message::MessageError;
use crate::dag::mail::{MailSpec, MailTls};

/// A subject longer than this is cut: the text has all of it.
const SUBJECT_MAX: usize = 120;

/// What is to be told.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// Becomes the `Message-ID`.
    pub id: &'a str,
    /// `None`: the first line of the text.
    pub title: Option<&'a str>,
    pub text: &'a str,
}

/// Sends one mail to all that the connection names; `project` is what `ca_file` is relative to.
/// Errors show no secret.
pub async fn send(
    connection: &OpenConnection,
    project: &Path,
    mail: Mail<'_>,
    timeout: Duration,
) -> Result<String, MessageError> {
    let spec = read(connection)?;
    let message = message(&spec, mail)?;
    let transport = transport(&spec, project, timeout)?;
    let answer = within(timeout, transport.send(message)).await?;
    Ok(answer.message().collect::<Vec<_>>().join(" "))
}

/// Connects, logs in and sends nothing.
pub async fn reach(
    connection: &OpenConnection,
    project: &Path,
    timeout: Duration,
) -> Result<String, MessageError> {
    let spec = read(connection)?;
    let transport = transport(&spec, project, timeout)?;
    within(timeout, transport.test_connection()).await?;
    let how = match spec.tls {
        MailTls::Plain => "without TLS",
        MailTls::StartTls | MailTls::Wrapped => "by TLS",
    };
    Ok(format!("`{}` takes mail of `{}` {how}", spec.host, spec.from))
}

fn read(connection: &OpenConnection) -> Result<MailSpec, MessageError> {
    let find = |key: &'static str| connection.options.get(key).map(String::as_str);
    MailSpec::read(&connection.url, find).map_err(|problems| {
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        MessageError::Mail { reason: told.join("; "), is_passing: false }
    })
}

async fn within<R>(
    timeout: Duration,
    work: impl Future<Output = Result<R, lettre::transport::smtp::Error>>,
) -> Result<R, MessageError> {
    let done = tokio::time::timeout(timeout, work).await;
    let late = || MessageError::Mail {
        reason: format!("no answer within {} s", timeout.as_secs_f64()),
        is_passing: true,
    };
    done.map_err(|_| late())?.map_err(|error| smtp(&error))
}

fn message(spec: &MailSpec, mail: Mail<'_>) -> Result<Message, MessageError> {
    let subject = mail.title.unwrap_or(mail.text).lines().next().unwrap_or_default();
    let subject: String = subject.chars().filter(|c| !c.is_control()).take(SUBJECT_MAX).collect();
    let id: String =
        mail.id.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
    let mut message = Message::builder()
        .from(mailbox(&spec.from)?)
        .subject(subject)
        .message_id(Some(format!("<{id}@dagdeck>")))
        .header(ContentType::TEXT_PLAIN);
    for to in &spec.to {
        message = message.to(mailbox(to)?);
    }
    message.body(mail.text.to_owned()).map_err(|error| unfit(&error))
}

fn mailbox(address: &str) -> Result<Mailbox, MessageError> {
    let address: Address = address.parse().map_err(|error| unfit(&error))?;
    Ok(Mailbox::new(None, address))
}

fn transport(
    spec: &MailSpec,
    project: &Path,
    timeout: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, MessageError> {
    let tls = match spec.tls {
        MailTls::Plain => Tls::None,
        MailTls::StartTls => Tls::Required(trust(spec, project)?),
        MailTls::Wrapped => Tls::Wrapper(trust(spec, project)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(spec.host.clone())
        .port(spec.port)
        .timeout(Some(timeout))
        .tls(tls);
    if let Some((user, password)) = &spec.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

fn trust(spec: &MailSpec, project: &Path) -> Result<TlsParameters, MessageError> {
    let mut builder = TlsParameters::builder(spec.host.clone());
    if let Some(file) = &spec.ca_file {
        let pem = std::fs::read(project.join(file)).map_err(|error| MessageError::Mail {
            reason: format!("read the certificates of `{file}`: {error}"),
            is_passing: false,
        })?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| smtp(&error))?;
        builder =
            builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| smtp(&error))
}

fn unfit(error: &dyn std::error::Error) -> MessageError {
    MessageError::Mail { reason: error.to_string(), is_passing: false }
}

fn smtp(error: &lettre::transport::smtp::Error) -> MessageError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if !reason.contains(&cause.to_string()) {
            reason.push_str(&format!(": {cause}"));
        }
        source = cause.source();
    }
    // A server that refuses for good (5xx) will refuse again, and so will one that is not trusted.
    MessageError::Mail { reason, is_passing: !error.is_permanent() && !error.is_client() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> MailSpec {
        MailSpec {
            host: "localhost".into(),
            port: 25,
            tls: MailTls::Plain,
            login: None,
            from: "deck@example.org".into(),
            to: vec!["a@b.org".into(), "c@d.org".into()],
            ca_file: None,
        }
    }

    #[test]
    fn a_message_cannot_bring_headers_of_its_own() {
        let mail =
            Mail { id: "callback-1:2", title: Some("drift\r\nBcc: x@y.z"), text: "Größe\n.\n" };
        let text = String::from_utf8(message(&spec(), mail).unwrap().formatted()).unwrap();
        assert!(text.contains("Subject: drift\r\n"), "{text}");
        assert!(!text.contains("Bcc"), "{text}");
        assert!(text.contains("Message-ID: <callback-12@dagdeck>"), "{text}");
        assert!(text.contains("To: a@b.org, c@d.org"), "{text}");
    }
}
