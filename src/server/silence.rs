//! How long something may be waited for, where most is never waited for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A limit on a wait, never on what moves.
///
/// There is one timer at most, made when the first wait begins; it is not moved by
/// what comes, but looks back when it fires. So what is never waited for has none, and
/// a stream costs one for each time its limit passes, however many its parts.
pub struct Silence {
    max: Duration,
    since: Option<Instant>,
    alarm: Alarm,
}

/// A timer for one wait after the other.
///
/// It is made for the first one, and moved for none that ends later than it fires: then it
/// looks again. So what is waited for often and never for long costs one timer.
#[derive(Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once it is `due`, or later.
    pub fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let timer = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }
}

impl Silence {
    pub fn of(max: Duration) -> Self {
        Self { max, since: None, alarm: Alarm::default() }
    }

    /// Something came.
    pub fn end(&mut self) {
        self.since = None;
    }

    /// Nothing came now; ready once that has lasted too long.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.poll_since(cx, since)
    }

    /// Nothing has come since then, as somebody else knows; ready once that is too long,
    /// with the time that is.
    pub fn poll_since(&mut self, cx: &mut Context<'_>, since: Instant) -> Poll<Duration> {
        self.alarm.poll(cx, since + self.max).map(|()| self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_millis(30);

    #[test]
    fn who_waits_is_woken_when_it_has_lasted_and_what_came_is_waited_for_anew() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut silence = Silence::of(MAX);
            let begun = Instant::now();
            std::future::poll_fn(|cx| silence.poll(cx)).await;
            assert!(begun.elapsed() >= MAX);

            silence.end();
            let mut quiet = Silence::of(MAX * 2 / 3);
            let begun = Instant::now();
            let polled = std::future::poll_fn(|cx| Poll::Ready(silence.poll(cx))).await;
            assert!(polled.is_pending());
            std::future::poll_fn(|cx| quiet.poll(cx)).await;
            silence.end();
            std::future::poll_fn(|cx| silence.poll(cx)).await;
            assert!(begun.elapsed() >= MAX * 5 / 3);
        });
    }
}
