//! Certificates for a test, made with the `openssl` program.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Writes an authority (`ca.pem`), a server certificate for 127.0.0.1 (`server.pem`, `server.key`) and a client
/// certificate (`client.pem`, `client.key`) into `dir`.
///
/// # Errors
/// When `openssl` is missing or fails.
pub fn write(dir: &Path) -> Result<()> {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(dir, &format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"))?;
    for (name, extension) in [("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")] {
        std::fs::write(dir.join(format!("{name}.ext")), extension)?;
        openssl(dir, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"))?;
        let signed = format!("-CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile {name}.ext");
        openssl(dir, &format!("x509 -req -in {name}.csr {signed}"))?;
    }
    Ok(())
}

fn openssl(dir: &Path, args: &str) -> Result<()> {
    let ran = Command::new("openssl").current_dir(dir).args(args.split(' ')).output().context("openssl is missing")?;
    if !ran.status.success() {
        bail!("openssl {args}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    Ok(())
}
