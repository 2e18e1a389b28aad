//! Gets one thing from its address, within bounds.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, Url};

use super::guard::{Guard, Refused};
use crate::settings::Settings;
use crate::upstream::transport;

/// Whoever needs more of them is going in circles.
const REDIRECTS_MAX: usize = 3;

/// What a server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Downloaded {
    /// `image/png`, as the server says; lower case.
    pub(super) media_type: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// Why there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("is not a valid address")]
    Address,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("could not be downloaded: its server cannot be reached")]
    Unreachable,
    #[error("could not be downloaded: its server answered with status {0}")]
    Status(u16),
    #[error("could not be downloaded: its server redirects too often")]
    Redirects,
    #[error("could not be downloaded: its server broke off or sent nothing")]
    BrokenOff,
    #[error("could not be downloaded within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("must have at most {0} bytes")]
    TooLarge(usize),
    #[error("is too large beside the other parts of this request")]
    TooLargeTogether,
}

/// Downloads for callers, who may name any address.
#[derive(Debug, Clone)]
pub(crate) struct Downloader {
    client: Client,
    guard: Guard,
    bytes_max: usize,
    timeout: Duration,
}

impl Downloader {
    pub(crate) fn new(settings: &Settings) -> reqwest::Result<Self> {
        Self::guarded(settings, Guard::new(settings.allow_private_addresses))
    }

    pub(super) fn guarded(settings: &Settings, guard: Guard) -> reqwest::Result<Self> {
        let client = transport::guarded(settings, guard)?;
        let (bytes_max, timeout) = (settings.fetch_bytes_max, settings.fetch_timeout);
        Ok(Self { client, guard, bytes_max, timeout })
    }

    /// Gets what stands at an address. `room` is what all parts of a request may have together.
    pub(super) async fn get(
        &self,
        address: &str,
        room: &AtomicUsize,
    ) -> Result<Downloaded, Problem> {
        let url = address.parse().map_err(|_| Problem::Address)?;
        match tokio::time::timeout(self.timeout, self.follow(url, room)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::TimedOut(self.timeout)),
        }
    }

    async fn follow(&self, mut url: Url, room: &AtomicUsize) -> Result<Downloaded, Problem> {
        for _ in 0..=REDIRECTS_MAX {
            self.guard.check(&url)?;
            let response = self.client.get(url.clone()).send().await.map_err(|e| unreached(&e))?;
            let status = response.status();
            if status.is_success() {
                return self.read(response, room).await;
            }
            if !status.is_redirection() {
                return Err(Problem::Status(status.as_u16()));
            }
            let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let to = to.ok_or(Problem::Status(status.as_u16()))?;
            url = url.join(to).map_err(|_| Problem::Unreachable)?;
        }
        Err(Problem::Redirects)
    }

    async fn read(
        &self,
        mut response: Response,
        room: &AtomicUsize,
    ) -> Result<Downloaded, Problem> {
        let stated = response.content_length().and_then(|length| usize::try_from(length).ok());
        if stated.is_some_and(|length| length > self.bytes_max) {
            return Err(Problem::TooLarge(self.bytes_max));
        }
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(essence);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Problem::BrokenOff)? {
            if bytes.len().saturating_add(chunk.len()) > self.bytes_max {
                return Err(Problem::TooLarge(self.bytes_max));
            }
            let taken = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(chunk.len())
            });
            taken.map_err(|_| Problem::TooLargeTogether)?;
            bytes.extend_from_slice(&chunk);
        }
        if bytes.is_empty() {
            Err(Problem::BrokenOff)
        } else {
            Ok(Downloaded { media_type, bytes })
        }
    }
}

/// A media type without its parameters, if it is one: it goes into an address of ours.
fn essence(header: &str) -> Option<String> {
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-/".contains(&b);
    let is_type = essence.len() <= 127 && essence.matches('/').count() == 1;
    (is_type && essence.bytes().all(is_plain)).then_some(essence)
}

/// Why there was no answer: our own guard, or the world.
fn unreached(error: &reqwest::Error) -> Problem {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Problem::Refused(*refused);
        }
        cause = inner.source();
    }
    Problem::Unreachable
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Answers each connection by the path that it asks for.
    async fn serve(answer: fn(&str, SocketAddr) -> String) -> SocketAddr {
        let listener = TcpListener::bind((HOME, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 2048];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                if path != "/silent" {
                    let _ = stream.write_all(answer(&path, address).as_bytes()).await;
                    continue;
                }
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        });
        address
    }

    fn answer(path: &str, own: SocketAddr) -> String {
        let redirect =
            |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let body = |kind: &str, body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
        };
        match path {
            "/text" => body("Text/Plain; charset=utf-8", "hello"),
            "/odd" => body("text/pl ain,x", "hello"),
            "/long" => body("text/plain", &"x".repeat(101)),
            "/half" => body("text/plain", &"x".repeat(60)),
            "/empty" => body("text/plain", ""),
            "/endless" => {
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(500))
            }
            "/once" => redirect("/text"),
            "/round" => redirect("/round"),
            "/inside" => redirect("http://127.0.0.2:1/latest/meta-data/"),
            "/inside-by-number" => redirect("http://0x7f000002:1/"),
            "/inside-by-name" => redirect(&format!("//localhost:{}/text", own.port())),
            "/file" => redirect("file:///etc/passwd"),
            _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        }
    }

    /// Only one address of this machine passes for public.
    fn downloader(allows: fn(IpAddr) -> bool) -> Downloader {
        let settings = Settings {
            fetch_bytes_max: 100,
            fetch_timeout: Duration::from_millis(300),
            ..Settings::default()
        };
        Downloader::guarded(&settings, Guard::of(allows)).unwrap()
    }

    async fn get(path: &str, allows: fn(IpAddr) -> bool) -> Result<Downloaded, Problem> {
        let address = serve(answer).await;
        let room = AtomicUsize::new(1_000);
        downloader(allows).get(&format!("http://{address}{path}"), &room).await
    }

    #[tokio::test]
    async fn bytes_come_with_their_type() {
        let text = Downloaded { media_type: Some("text/plain".into()), bytes: b"hello".to_vec() };
        assert_eq!(get("/text", |_| true).await, Ok(text.clone()));
        assert_eq!(get("/once", |_| true).await, Ok(text.clone()));
        assert_eq!(get("/odd", |_| true).await, Ok(Downloaded { media_type: None, ..text }));
    }

    #[tokio::test]
    async fn what_is_too_large_slow_or_missing_is_given_up() {
        let all = |_| true;
        assert_eq!(get("/long", all).await, Err(Problem::TooLarge(100)));
        assert_eq!(get("/endless", all).await, Err(Problem::TooLarge(100)));
        assert_eq!(get("/empty", all).await, Err(Problem::BrokenOff));
        assert_eq!(get("/nothing", all).await, Err(Problem::Status(404)));
        assert_eq!(get("/round", all).await, Err(Problem::Redirects));
        let patience = Duration::from_millis(300);
        assert_eq!(get("/silent", all).await, Err(Problem::TimedOut(patience)));
        let nowhere = downloader(all).get("http://127.0.0.1:1/", &AtomicUsize::new(9)).await;
        assert_eq!(nowhere, Err(Problem::Unreachable));
        assert_eq!(
            downloader(all).get("http://", &AtomicUsize::new(9)).await,
            Err(Problem::Address)
        );
    }

    #[tokio::test]
    async fn all_parts_together_have_a_bound() {
        let address = serve(answer).await;
        let (room, downloader) = (AtomicUsize::new(100), downloader(|_| true));
        let url = format!("http://{address}/half");
        assert!(downloader.get(&url, &room).await.is_ok());
        assert_eq!(downloader.get(&url, &room).await, Err(Problem::TooLargeTogether));
    }

    #[tokio::test]
    async fn nobody_is_led_inside() {
        let private = Err(Problem::Refused(Refused::Private));
        assert_eq!(get("/text", |_| false).await, private);
        for path in ["/inside", "/inside-by-number"] {
            assert_eq!(get(path, |address| address == HOME).await, private, "{path}");
        }
        assert_eq!(get("/file", |_| true).await, Err(Problem::Refused(Refused::Scheme)));
        // A name is checked where it leads, not for how it looks.
        let address = serve(answer).await;
        let url = format!("http://localhost:{}/text", address.port());
        let refused = downloader(|_| false).get(&url, &AtomicUsize::new(9)).await;
        assert_eq!(refused, private);
        assert!(get("/inside-by-name", |_| true).await.is_ok());
    }
}
