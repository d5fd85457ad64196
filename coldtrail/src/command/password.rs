//! `coldtrail password`.

use std::io::BufRead;
use std::process::ExitCode;

use ingest::credentials::hash_password;
use model::name::Name;

use crate::arguments::Password;
use crate::exit::Failure;

/// Prints the line for a password file.
pub(crate) fn run(arguments: &Password) -> Result<ExitCode, Failure> {
    let gateway = Name::parse(&arguments.gateway).map_err(|error| Failure::Input(error.to_string()))?;
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::Input("no password on standard input: pipe it in, one line".to_owned()));
    }
    println!("{gateway}:{}", hash_password(password.as_bytes(), &rand::random())?);
    Ok(ExitCode::SUCCESS)
}
