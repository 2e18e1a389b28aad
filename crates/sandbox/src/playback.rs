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

/// The wait before a frame.
enum Waiting {
    No,
    /// For what was written before to leave.
    Flush,
    Time(Pin<Box<Sleep>>),
}

/// Sends frames at their moments.
pub(crate) struct Playback {
    script: Script,
    position: usize,
    /// Whether the wait before the current frame has begun.
    waiting: Waiting,
    /// When the last frame was due: waits add up from there, so that late timers do not.
    due: Instant,
    answering: Answering,
}

impl Playback {
    pub(crate) fn new(script: Script, answering: Answering) -> Self {
        Self { script, position: 0, waiting: Waiting::No, due: Instant::now(), answering }
    }

    /// Whether the wait before the current frame is over.
    fn poll_wait(&mut self, wait: Wait, context: &mut Context<'_>) -> Poll<()> {
        match (wait, &mut self.waiting) {
            (Wait::None, _) | (Wait::Flush, Waiting::Flush | Waiting::Time(_)) => Poll::Ready(()),
            (Wait::Flush, waiting @ Waiting::No) => {
                *waiting = Waiting::Flush;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (Wait::For(duration), waiting) => {
                if !matches!(waiting, Waiting::Time(_)) {
                    self.due += duration;
                    *waiting = Waiting::Time(Box::pin(sleep_until(self.due)));
                }
                match waiting {
                    Waiting::Time(sleep) => sleep.as_mut().poll(context),
                    Waiting::No | Waiting::Flush => Poll::Ready(()),
                }
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
        self.waiting = Waiting::No;
        self.position += 1;
        Poll::Ready(Some(Ok(BodyFrame::data(bytes))))
    }
}
