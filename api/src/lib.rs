//! The edge: routes, their OpenAPI description, who may call them, and the server they run in.

mod access;
mod body;
mod description;
pub mod door;
mod endpoint;
mod events;
mod oidc;
mod options;
mod page;
mod person;
mod problem;
pub mod report;
mod routes;
mod server;
mod session;
mod state;
mod stock;
mod view;
mod web;

pub use oidc::{Oidc, OidcError, OidcOptions};
pub use options::ApiOptions;
pub use routes::openapi;
pub use server::{ServeError, Serving, serve};
pub use state::{ApiState, Check, Notifications, Readiness};
