//! Mail: one message for each person and notice.

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use model::registry::Recipient;
use store::outbox::Due;

use super::{Channel, Refused, Scope, event_id};
use crate::audience::EMAIL;
use crate::error::{Error, chain};
use crate::letter;
use crate::options::{EmailOptions, SmtpTls};

/// A server that takes mail to people.
pub(crate) struct Email {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Email {
    /// The server of `options`.
    pub(crate) fn new(options: &EmailOptions) -> Result<Self, Error> {
        let from = options.from.parse().map_err(|cause| Error::Option {
            channel: EMAIL.to_owned(),
            option: "from",
            problem: format!("is no address of mail: {cause}"),
        })?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(options.port.unwrap_or(options.tls.port()))
            .timeout(Some(options.timeout))
            .tls(match options.tls {
                SmtpTls::Implicit => Tls::Wrapper(tls(options)?),
                SmtpTls::StartTls => Tls::Required(tls(options)?),
                SmtpTls::Plain => Tls::None,
            });
        if let Some(identity) = &options.credentials {
            builder = builder.credentials(Credentials::new(identity.user.clone(), identity.password.clone()));
        }
        Ok(Self { from, transport: builder.build() })
    }

    fn message(&self, due: &Due, person: &Recipient) -> Result<Message, Refused> {
        let wrong = |what: String| Refused::delivery(format!("the message cannot be made: {what}"));
        let address = person.email.as_deref().unwrap_or_default().parse();
        let address = address.map_err(|cause| wrong(format!("`{}` has no address: {cause}", person.id)))?;
        let name = person.name.as_ref().map(ToString::to_string);
        let (subject, text) = letter::write(due, person);
        // stable, so that a message sent twice shows as one
        let id = format!("<{}@{}>", event_id(due), self.from.email.domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .subject(subject)
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|cause| wrong(cause.to_string()))
    }
}

fn tls(options: &EmailOptions) -> Result<TlsParameters, Error> {
    let client =
        |source: lettre::transport::smtp::Error| Error::Client { channel: EMAIL.to_owned(), source: source.into() };
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(path) = &options.authority {
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| Error::Authority {
            channel: EMAIL.to_owned(),
            path: path.clone(),
            source,
        };
        let pem = std::fs::read(path).map_err(|source| unusable(source.into()))?;
        let authority = Certificate::from_pem(&pem).map_err(|source| unusable(source.into()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build_rustls().map_err(client)
}

#[async_trait]
impl Channel for Email {
    async fn deliver(&self, due: &Due, person: Option<&Recipient>) -> Result<(), Refused> {
        let person = person.ok_or_else(|| Refused::delivery("mail goes to a person, and this is for none"))?;
        let message = self.message(due, person)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            // A refusal for good concerns this message or this person, everything else the server.
            Err(error) if error.is_permanent() => {
                Err(Refused { scope: Scope::Delivery, why: chain(&error), retry_after: None })
            }
            Err(error) => Err(Refused::channel(chain(&error))),
        }
    }
}
