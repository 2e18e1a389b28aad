//! Media to send, and a server from which they can be fetched.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::OnceLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

/// One grey pixel.
pub(super) const PNG: &[u8] = &[
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3A, 0x7E, 0x9B,
    0x55, 0x00, 0x00, 0x00, 0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0x68, 0x00, 0x00, 0x00,
    0x82, 0x00, 0x81, 0x77, 0xCD, 0x72, 0xB6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE,
    0x42, 0x60, 0x82,
];

pub(super) const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
    2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
    3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\n\
    trailer<</Root 1 0 R>>\n%%EOF\n";

/// A hundredth of a second of silence.
pub(super) const WAV: &[u8] = b"RIFF\x2c\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\
    \x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x08\x00\x00\x00\x80\x80\x80\x80\x80\x80\x80\x80";

/// The head of a film.
pub(super) const MP4: &[u8] =
    b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08moov";

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();

/// Serves the files until `stop` is done. Addresses are known from then on.
pub(super) async fn serve(stop: impl Future<Output = ()> + Send + 'static) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    ADDRESS.set(listener.local_addr().unwrap()).expect("files are served once");
    let file = |media_type: &'static str, bytes: &'static [u8]| {
        get(move || async move { ([(CONTENT_TYPE, media_type)], bytes) })
    };
    let router = Router::new()
        .route("/harbour.png", file("image/png", PNG))
        .route("/harbour.pdf", file("application/pdf", PDF));
    axum::serve(listener, router).with_graceful_shutdown(stop).await.unwrap();
}

pub(super) fn url(name: &str) -> String {
    let address = ADDRESS.get().expect("files are served");
    format!("http://{address}/{name}")
}

pub(super) fn is_url(text: &str) -> bool {
    ADDRESS.get().is_some_and(|address| text.starts_with(&format!("http://{address}/")))
}
