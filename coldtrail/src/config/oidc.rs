//! An identity provider people sign in at.

use std::path::PathBuf;

use serde::Deserialize;

/// An identity provider (OpenID Connect).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oidc {
    /// What people call it; the host of `issuer` when absent.
    pub(crate) name: Option<String>,
    /// Its issuer, exactly as it calls itself.
    pub(crate) issuer: String,
    /// What this system is called there.
    pub(crate) client_id: String,
    /// The secret for it.
    pub(crate) client_secret: Option<String>,
    /// A file with that secret.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// What this system's addresses begin with, as browsers see them.
    pub(crate) redirect_base: String,
    /// What is asked for.
    pub(crate) scopes: Option<Vec<String>>,
    /// The claim with a person's name.
    pub(crate) name_claim: Option<String>,
    /// The claim with what a person is there.
    pub(crate) roles_claim: Option<String>,
    /// What of it makes which role; the first that fits counts.
    #[serde(default)]
    pub(crate) role: Vec<Mapped>,
    /// The authority that signed its certificate (PEM).
    pub(crate) authority: Option<PathBuf>,
    /// How many seconds it may take to answer.
    pub(crate) timeout_s: Option<f64>,
    /// How many seconds the keys it told last are good while it does not tell them again.
    pub(crate) keys_max_age_s: Option<f64>,
}

/// What makes a role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapped {
    /// A value of the claim.
    pub(crate) value: String,
    /// The role.
    pub(crate) role: String,
}
