//! A script as an HTTP body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame as BodyFrame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::script::{End, Script, Wait};
use crate::stats::Answering;

/// Every body that the sandbox sends.
pub(crate) enum Payload {
    Whole(Full<Bytes>),
    Played(Playback),
}

/// Sends frames at their moments.
pub(crate) struct Playback {
    script: Script,
    position: usize,
    /// Whether the wait before the current frame has begun, and for waits in time, until when.
    waiting: Option<Option<Pin<Box<Sleep>>>>,
    /// When the last frame was due: waits add up from there, so that late timers do not.
    due: Instant,
    answering: Answering,
}

impl Playback {
    pub(crate) fn new(script: Script, answering: Answering) -> Self {
        Self { script, position: 0, waiting: None, due: Instant::now(), answering }
    }

    /// Whether the wait before the current frame is over.
    fn poll_wait(&mut self, wait: Wait, context: &mut Context<'_>) -> Poll<()> {
        match (wait, &mut self.waiting) {
            (Wait::None, _) | (Wait::Flush, Some(_)) => Poll::Ready(()),
            (Wait::Flush, waiting @ None) => {
                *waiting = Some(None);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (Wait::For(duration), waiting) => {
                let due = self.due + duration;
                let sleep = waiting
                    .get_or_insert_default()
                    .get_or_insert_with(|| Box::pin(sleep_until(due)));
                sleep.as_mut().poll(context).map(|()| self.due = due)
            }
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Played(playback) => playback.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Played(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Played(_) => SizeHint::default(),
        }
    }
}

impl Playback {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, io::Error>>> {
        let Some(frame) = self.script.frames.get(self.position) else {
            return match self.script.end {
                End::Hang => Poll::Pending,
                End::Close => {
                    self.answering.finish();
                    Poll::Ready(None)
                }
                End::Abort => {
                    if self.poll_wait(Wait::Flush, context).is_pending() {
                        return Poll::Pending;
                    }
                    self.answering.finish();
                    Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
                }
            };
        };
        let (bytes, wait) = (frame.bytes.clone(), frame.wait);
        if self.poll_wait(wait, context).is_pending() {
            return Poll::Pending;
        }
        self.waiting = None;
        self.position += 1;
        Poll::Ready(Some(Ok(BodyFrame::data(bytes))))
    }
}
