//! What a request names by address reaches providers that take no addresses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::catalog::Provider;
use gateway::{GatewayError, Settings};
use protocol::error::{ErrorType, PublicError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{MODEL, World};

/// The smallest PNG that there is, and its base64.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";
const PNG_BASE64: &str = "iVBORw0KGgowMDAw";

/// A server of images that is a provider, too: it keeps what it was asked.
struct Site {
    address: SocketAddr,
    /// Paths that were got.
    got: Arc<Mutex<Vec<String>>>,
    /// Bodies of requests for an answer.
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (got, asked) = (Arc::default(), Arc::default());
        let site = Self { address, got: Arc::clone(&got), asked: Arc::clone(&asked) };
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &got, &asked).await;
            }
        });
        site
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A provider that takes images only inline, or fetches them itself.
    fn provider(&self, slug: &str, inline: bool, path: &str) -> Provider {
        let mut provider = gateway::testing::provider(slug, &self.url(path));
        if inline {
            provider.quirks.inline = vec!["image".to_owned()];
        }
        provider
    }

    /// The address of the first image that a provider was last asked about.
    fn seen(&self) -> String {
        let asked = self.asked.lock().unwrap();
        let image = &asked.last().unwrap()["messages"][0]["content"][1];
        image["image_url"]["url"].as_str().unwrap().to_owned()
    }
}

async fn serve(mut stream: TcpStream, got: &Mutex<Vec<String>>, asked: &Mutex<Vec<Value>>) {
    let mut request = Vec::new();
    let (head, body) = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap_or(0);
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                break (head.to_owned(), body.to_owned());
            }
        }
        if read == 0 {
            return;
        }
    };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, body) = if head.starts_with("POST") {
        asked.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        if path.starts_with("/broken") {
            ("503 Service Unavailable", b"{}".to_vec())
        } else {
            let answer = json!({"id": "1", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"content": "An image."}}]});
            ("200 OK", answer.to_string().into_bytes())
        }
    } else {
        got.lock().unwrap().push(path.clone());
        match path.as_str() {
            "/a.png" | "/b.png" => ("200 OK", PNG.to_vec()),
            "/page.png" => ("200 OK", b"<html>".to_vec()),
            "/large.png" => ("200 OK", [PNG, &[0; 300]].concat()),
            _ => ("404 Not Found", Vec::new()),
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
}

/// A world in which this machine passes for the public internet.
async fn world() -> World {
    let settings =
        Settings { allow_private_addresses: true, fetch_bytes_max: 200, ..Settings::default() };
    let world = World::with(settings).await;
    world.add(domain::money::Usd::from_dollars(5));
    world
}

fn ask(urls: &[String]) -> Value {
    let mut content = vec![json!({"type": "text", "text": "What is this?"})];
    content.extend(urls.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url}})));
    json!({"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": content}]})
}

fn refused(result: Result<String, GatewayError>) -> PublicError {
    result.unwrap_err().to_public()
}

#[tokio::test]
async fn images_reach_providers_that_take_no_addresses() {
    let (world, site) = (world().await, Site::start().await);
    world.served_by(vec![site.provider("p0", true, "/v1")]);
    let url = site.url("/a.png");
    let answer = world.ask_with(&ask(&[url.clone(), url.clone(), site.url("/b.png")])).await;
    assert!(answer.unwrap().contains("An image."));
    assert_eq!(site.seen(), format!("data:image/png;base64,{PNG_BASE64}"));
    let mut got = site.got.lock().unwrap().clone();
    got.sort();
    assert_eq!(got, ["/a.png", "/b.png"]);

    // Who gets them without us is left to it.
    world.served_by(vec![site.provider("p0", false, "/v1")]);
    world.ask_with(&ask(std::slice::from_ref(&url))).await.unwrap();
    assert_eq!(site.seen(), url);
    world.is_at_rest().await;
}

#[tokio::test]
async fn an_image_is_got_once_for_all_attempts() {
    let (world, site) = (world().await, Site::start().await);
    world.served_by(vec![site.provider("p0", true, "/broken"), site.provider("p1", true, "/v1")]);
    world.ask_with(&ask(&[site.url("/a.png")])).await.unwrap();
    assert_eq!(site.asked.lock().unwrap().len(), 2);
    assert_eq!(*site.got.lock().unwrap(), ["/a.png"]);
    world.is_at_rest().await;
}

#[tokio::test]
async fn what_cannot_be_got_is_the_callers_affair() {
    let (world, site) = (world().await, Site::start().await);
    world.served_by(vec![site.provider("p0", true, "/v1"), site.provider("p1", true, "/v1")]);
    for (path, kind) in [
        ("/missing.png", ErrorType::ImageDownloadFailed),
        ("/large.png", ErrorType::ImageTooLarge),
        ("/page.png", ErrorType::UnsupportedImageFormat),
    ] {
        let error = refused(world.ask_with(&ask(&[site.url("/a.png"), site.url(path)])).await);
        assert_eq!((error.status, error.error_type), (400, kind), "{path}");
        assert_eq!(error.metadata["field"], "messages[0].content[2].image_url.url");
    }
    // Nobody was asked, and no second provider made us try again.
    assert!(site.asked.lock().unwrap().is_empty());
    let missing = site.got.lock().unwrap().iter().filter(|path| *path == "/missing.png").count();
    assert_eq!(missing, 1);

    // A provider that follows addresses itself may see what we could not.
    world.served_by(vec![site.provider("p0", true, "/v1"), site.provider("p1", false, "/v1")]);
    world.ask_with(&ask(&[site.url("/missing.png")])).await.unwrap();
    world.is_at_rest().await;
}

#[tokio::test]
async fn an_image_counts_as_often_as_it_is_named() {
    let settings = Settings {
        allow_private_addresses: true,
        fetch_total_bytes_max: 2 * PNG.len(),
        ..Settings::default()
    };
    let (world, site) = (World::with(settings).await, Site::start().await);
    world.add(domain::money::Usd::from_dollars(5));
    world.served_by(vec![site.provider("p0", true, "/v1")]);
    let url = site.url("/a.png");
    world.ask_with(&ask(&[url.clone(), url.clone()])).await.unwrap();
    let error = refused(world.ask_with(&ask(&[url.clone(), url.clone(), url])).await);
    assert_eq!((error.status, error.error_type), (400, ErrorType::ImageTooLarge));
    assert_eq!(error.metadata["field"], "messages[0].content[3].image_url.url");
    assert_eq!(site.asked.lock().unwrap().len(), 1);
    world.is_at_rest().await;
}

#[tokio::test]
async fn nobody_is_led_to_this_machine() {
    let (world, site) = (World::new().await, Site::start().await);
    world.add(domain::money::Usd::from_dollars(5));
    world.served_by(vec![site.provider("p0", true, "/v1")]);
    let port = site.address.port();
    for host in
        ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::ffff:127.0.0.1]"]
    {
        let url = format!("http://{host}:{port}/a.png");
        let error = refused(world.ask_with(&ask(&[url])).await);
        assert_eq!((error.status, error.error_type), (400, ErrorType::InvalidRequest), "{host}");
        assert!(error.message.contains("public internet"), "{host}: {}", error.message);
    }
    assert!(site.got.lock().unwrap().is_empty());
    world.is_at_rest().await;
}
