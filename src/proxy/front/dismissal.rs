//! Being asked to finish, for who serves a connection.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::server::Presence;

/// Watches for the dismissal of a connection. Until it comes, that costs a look.
pub(super) struct Dismissal {
    presence: Rc<Presence>,
    /// What is waited for once it has come.
    coming: Option<Pin<Box<dyn Future<Output = ()>>>>,
    has_come: bool,
}

impl Dismissal {
    pub(super) fn new(presence: Rc<Presence>) -> Self {
        Self { presence, coming: None, has_come: false }
    }

    /// Ready once the connection should finish what it does and close, and from then on.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_come {
            return Poll::Ready(());
        }
        if !self.presence.is_dismissed() {
            self.presence.wait(cx.waker());
            return Poll::Pending;
        }
        let presence = &self.presence;
        let coming = self.coming.get_or_insert_with(|| {
            let presence = presence.clone();
            Box::pin(async move { presence.dismissed().await })
        });
        let polled = coming.as_mut().poll(cx);
        if polled.is_ready() {
            (self.coming, self.has_come) = (None, true);
        }
        polled
    }
}
