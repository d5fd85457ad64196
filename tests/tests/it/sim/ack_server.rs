//! A few lines of MQTT server: acknowledges and remembers everything.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Published = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A server on a free port of the loopback interface; stops when dropped.
pub(super) struct AckServer {
    address: SocketAddr,
    published: Published,
    accepting: JoinHandle<()>,
}

impl AckServer {
    /// Starts. With `drop_after`, each connection is dropped at that many messages, the last one unacknowledged.
    pub(super) async fn start(drop_after: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let published = Published::default();
        let memory = published.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A broken connection is the client's business.
                tokio::spawn(serve(stream, memory.clone(), drop_after));
            }
        });
        Self { address, published, accepting }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Topic and payload of every message so far, in order of arrival.
    pub(super) fn published(&self) -> Vec<(String, Vec<u8>)> {
        self.published.lock().unwrap().clone()
    }
}

impl Drop for AckServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, published: Published, drop_after: Option<usize>) -> std::io::Result<()> {
    let mut inbox = BytesMut::new();
    let mut out = Vec::new();
    let mut is_v5 = false;
    let mut messages = 0;
    loop {
        while let Some((kind, mut body)) = take(&mut inbox) {
            match kind >> 4 {
                1 => {
                    is_v5 = body[6] == 5;
                    out.extend_from_slice(if is_v5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] });
                }
                3 => {
                    let topic_len = usize::from(body.get_u16());
                    let topic = String::from_utf8(body.split_to(topic_len).to_vec()).unwrap();
                    let id = body.get_u16().to_be_bytes();
                    if is_v5 {
                        assert_eq!(body.get_u8(), 0, "no properties expected");
                    }
                    published.lock().unwrap().push((topic, body.to_vec()));
                    messages += 1;
                    if drop_after == Some(messages) {
                        stream.write_all(&out).await?;
                        return Ok(());
                    }
                    out.extend_from_slice(&[0x40, 2, id[0], id[1]]);
                }
                12 => out.extend_from_slice(&[0xd0, 0]),
                14 => return stream.write_all(&out).await,
                other => panic!("packet type {other}"),
            }
        }
        stream.write_all(&out).await?;
        out.clear();
        if stream.read_buf(&mut inbox).await? == 0 {
            return Ok(());
        }
    }
}

/// The next whole packet: first byte and body.
fn take(inbox: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let mut length = 0;
    for index in 0..4 {
        let byte = *inbox.get(1 + index)?;
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if inbox.len() < 2 + index + length {
                return None;
            }
            let kind = inbox[0];
            inbox.advance(2 + index);
            return Some((kind, inbox.split_to(length)));
        }
    }
    None
}
