//! Everybody who has subscribed.

use crate::mailbox::{self, Mailbox};
use crate::publish::list::List;
use std::sync::Arc;

/// The mailboxes, in the order in which their subscribers came.
#[derive(Debug)]
pub(crate) struct Subscribers<E> {
    list: List<E>,
    /// How many of them a publish must fence for.
    fenced: usize,
}

impl<E> Clone for Subscribers<E> {
    fn clone(&self) -> Self {
        Self { list: self.list.clone(), fenced: self.fenced }
    }
}

impl<E> Subscribers<E> {
    pub(crate) fn none() -> Self {
        Self { list: List::default(), fenced: 0 }
    }

    /// One more.
    pub(crate) fn with(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        Self { list: self.list.with(mailbox), fenced: self.fenced + usize::from(mailbox.needs_fence()) }
    }

    /// One less, if it is there.
    pub(crate) fn without(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        match self.list.without(mailbox) {
            Some(list) => Self { list, fenced: self.fenced - usize::from(mailbox.needs_fence()) },
            None => self.clone(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Mailbox<E>>> {
        self.list.iter()
    }

    /// The same in pieces.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[Arc<Mailbox<E>>]> {
        self.list.chunks()
    }

    /// Stands between the pushes of a publish to some of them and its look at their state words.
    #[inline]
    pub(crate) fn fence_pushes(&self) {
        if self.fenced != 0 {
            mailbox::fence_pushes();
        }
    }
}

#[cfg(all(test, feature = "lane", not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::mailbox::options::{Overflow, Ring, SubscriberOptions};

    /// With an array that evicts, a lane, or an array.
    fn any_ring(number: usize) -> Arc<Mailbox<u64>> {
        let ring = if number % 3 == 2 { Ring::Array } else { Ring::Lane };
        let mut options = SubscriberOptions::new("any".into(), ring);
        options.capacity = 1;
        options.overflow = if number % 3 == 0 { Overflow::DropOldest } else { Overflow::DropNewest };
        Arc::new(Mailbox::new(options).0)
    }

    /// A publish fences exactly as long as there is an array.
    #[test]
    fn arrays_are_fenced_for_whoever_comes_and_goes() {
        let mut subscribers = Subscribers::none();
        let mut present = Vec::new();
        for number in 0..30 {
            let mailbox = any_ring(number);
            subscribers = subscribers.with(&mailbox);
            present.push((mailbox, number % 3 != 1));
            assert_eq!(subscribers.fenced, present.iter().filter(|(_, is_array)| *is_array).count());
        }
        let stranger = any_ring(0);
        while !present.is_empty() {
            let (leaver, _) = present.remove(present.len() * 7 % 11 % present.len());
            subscribers = subscribers.without(&stranger).without(&leaver);
            assert_eq!(subscribers.fenced, present.iter().filter(|(_, is_array)| *is_array).count());
        }
    }
}
