//! A list of mailboxes of which two versions share nearly all.

use crate::mailbox::Mailbox;
use std::sync::Arc;

/// How many mailboxes the first chunk has at most: so many are one slice for a publish.
const FIRST: usize = 128;

/// How many mailboxes each of the other chunks has at most.
const CHUNK: usize = 32;

/// How many chunks a page has at most.
const PAGE: usize = 32;

type Chunk<E> = Arc<[Arc<Mailbox<E>>]>;
type Page<E> = Arc<[Chunk<E>]>;

/// Mailboxes, in the order in which their subscribers came: a tree, of which a change copies one
/// chunk, the pointers to the chunks of one page, and the pointers to all pages.
#[derive(Debug)]
pub(crate) struct List<E> {
    /// The first chunk, and nearly always the only one. Empty if the list is.
    first: Chunk<E>,
    /// The others. No page and no chunk in it is empty.
    //
    // (`None` rather than an empty slice: all empty slices have one count between them, for which
    // all threads would contend.)
    more: Option<Arc<[Page<E>]>>,
}

impl<E> Clone for List<E> {
    fn clone(&self) -> Self {
        Self { first: Arc::clone(&self.first), more: self.more.clone() }
    }
}

impl<E> Default for List<E> {
    fn default() -> Self {
        Self { first: Arc::default(), more: None }
    }
}

impl<E> List<E> {
    fn pages(&self) -> &[Page<E>] {
        self.more.as_deref().unwrap_or_default()
    }

    /// One more.
    pub(crate) fn with(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        let mailbox = Arc::clone(mailbox);
        if self.more.is_none() && self.first.len() < FIRST {
            return Self { first: extended(&self.first, mailbox), more: None };
        }
        let (pages, page) = split_last_open(self.pages(), |page| page.len() < PAGE || has_room(page));
        let (chunks, chunk) = split_last_open(page, |chunk| chunk.len() < CHUNK);
        let more = extended(pages, extended(chunks, extended(chunk, mailbox)));
        Self { first: Arc::clone(&self.first), more: Some(more) }
    }

    /// One less, if it is there.
    pub(crate) fn without(&self, mailbox: &Arc<Mailbox<E>>) -> Option<Self> {
        let place_in = |chunk: &Chunk<E>| chunk.iter().position(|other| Arc::ptr_eq(other, mailbox));
        if let Some(place) = place_in(&self.first) {
            return Some(Self { first: removed(&self.first, place).into(), more: self.more.clone() }.gathered());
        }
        let pages = self.pages().iter().enumerate();
        let mut chunks =
            pages.flat_map(|(page, chunks)| chunks.iter().enumerate().map(move |(n, chunk)| (page, n, chunk)));
        let (page, chunk, place) = chunks.find_map(|(page, n, chunk)| Some((page, n, place_in(chunk)?)))?;
        let chunks = &self.pages()[page];
        let chunks = replaced(chunks, chunk, removed(&chunks[chunk], place), CHUNK);
        Some(self.with_page(page, chunks).gathered())
    }

    /// With these chunks in the place of those of a page.
    fn with_page(&self, place: usize, chunks: Vec<Chunk<E>>) -> Self {
        let pages = replaced(self.pages(), place, chunks, PAGE);
        Self { first: Arc::clone(&self.first), more: (!pages.is_empty()).then(|| pages.into()) }
    }

    /// The same, whose first chunk has taken the next one in if both are small.
    fn gathered(self) -> Self {
        let next = self.pages().first().and_then(|page| page.split_first());
        match next {
            Some((next, rest)) if self.first.len() + next.len() <= FIRST / 2 => {
                let first = self.first.iter().chain(&**next).cloned().collect();
                Self { first, ..self.with_page(0, rest.to_vec()) }
            }
            _ => self,
        }
    }

    /// The first chunk: all there is, unless the list [is long](Self::is_long).
    #[inline]
    pub(crate) fn first(&self) -> &[Arc<Mailbox<E>>] {
        &self.first
    }

    /// Whether it has several chunks.
    pub(crate) fn is_long(&self) -> bool {
        self.more.is_some()
    }

    /// All of it, in pieces, none of which is empty.
    pub(crate) fn chunks(&self) -> impl DoubleEndedIterator<Item = &[Arc<Mailbox<E>>]> + Clone {
        let first = (!self.first.is_empty()).then_some(&self.first);
        first.into_iter().chain(self.pages().iter().flat_map(|page| page.iter())).map(|chunk| &**chunk)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks().map(<[_]>::len).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Mailbox<E>>> {
        self.chunks().flatten()
    }
}

/// Whether the last chunk of a page takes one more.
fn has_room<E>(page: &[Chunk<E>]) -> bool {
    page.last().is_some_and(|chunk| chunk.len() < CHUNK)
}

/// These and one more.
fn extended<T: Clone>(items: &[T], item: T) -> Arc<[T]> {
    items.iter().cloned().chain([item]).collect()
}

/// These without one.
fn removed<T: Clone>(items: &[T], place: usize) -> Vec<T> {
    [&items[..place], &items[place + 1..]].concat()
}

/// The last piece, and those before it, if it `is_open` for one more; an empty one otherwise.
fn split_last_open<T>(pieces: &[Arc<[T]>], is_open: impl Fn(&[T]) -> bool) -> (&[Arc<[T]>], &[T]) {
    match pieces.split_last() {
        Some((last, before)) if is_open(last) => (before, last),
        _ => (pieces, &[]),
    }
}

/// These pieces, with `rest` in the place of one of them. If it fits into one piece with a
/// neighbour, they become one, so that the list does not go to pieces.
fn replaced<T: Clone>(pieces: &[Arc<[T]>], place: usize, mut rest: Vec<T>, limit: usize) -> Vec<Arc<[T]>> {
    if rest.is_empty() {
        return removed(pieces, place);
    }
    let (mut before, mut after) = (&pieces[..place], &pieces[place + 1..]);
    match (before, after) {
        ([others @ .., previous], _) if previous.len() + rest.len() <= limit => {
            rest.splice(..0, previous.iter().cloned());
            before = others;
        }
        (_, [next, others @ ..]) if rest.len() + next.len() <= limit => {
            rest.extend_from_slice(next);
            after = others;
        }
        _ => {}
    }
    [before, &[rest.into()], after].concat()
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::mailbox::options::{Ring, SubscriberOptions};

    fn any() -> Arc<Mailbox<u64>> {
        let mut options = SubscriberOptions::new("any".into(), Ring::Array);
        options.capacity = 1;
        Arc::new(Mailbox::new(options).0)
    }

    /// So many, and the list of them.
    fn list_of(count: usize) -> (List<u64>, Vec<Arc<Mailbox<u64>>>) {
        let mailboxes: Vec<_> = (0..count).map(|_| any()).collect();
        (mailboxes.iter().fold(List::default(), |list, mailbox| list.with(mailbox)), mailboxes)
    }

    fn assert_are(list: &List<u64>, expected: &[Arc<Mailbox<u64>>]) {
        assert_eq!((list.len(), list.is_empty()), (expected.len(), expected.is_empty()));
        assert!(list.iter().zip(expected).all(|(one, other)| Arc::ptr_eq(one, other)));
        assert!(list.first.len() <= FIRST);
        assert!(list.chunks().skip(1).all(|chunk| (1..=CHUNK).contains(&chunk.len())));
        assert!(list.pages().iter().all(|page| (1..=PAGE).contains(&page.len())));
        assert_eq!(list.is_long(), list.chunks().nth(1).is_some());
        // The last one gets the event itself, so it must be found from behind.
        let last = list.chunks().next_back().and_then(<[_]>::last);
        assert!(last.map(Arc::as_ptr) == expected.last().map(Arc::as_ptr));
    }

    #[test]
    fn list_keeps_its_order_whoever_comes_and_goes() {
        let mut expected = Vec::new();
        let mut list = List::default();
        for step in 0..6_000_usize {
            let is_coming = step < 2_500 || step % 3 == 0 || expected.is_empty();
            if is_coming {
                let mailbox = any();
                list = list.with(&mailbox);
                expected.push(mailbox);
            } else {
                let leaver = expected.remove(step * 7_919 % expected.len());
                list = list.without(&leaver).expect("it is there");
            }
            assert_are(&list, &expected);
        }
        let chunks = list.chunks().count();
        assert!(chunks <= 1 + 4 * expected.len() / CHUNK, "{chunks} chunks for {}", expected.len());
        let stranger = any();
        assert!(list.without(&stranger).is_none());
        while let Some(last) = expected.pop() {
            list = list.without(&last).expect("it is there");
            assert_are(&list, &expected);
        }
    }

    /// Behind the first chunk all leave but one of each, from either end.
    #[test]
    fn chunks_that_are_nearly_empty_become_one() {
        for from_behind in [false, true] {
            let (mut list, all) = list_of(FIRST + 2 * PAGE * CHUNK);
            let stays = |&(number, _): &(usize, _)| number < FIRST || number % CHUNK == 0;
            let (kept, mut leavers): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(stays);
            if from_behind {
                leavers.reverse();
            }
            for (_, leaver) in leavers {
                list = list.without(&leaver).expect("it is there");
            }
            assert_are(&list, &kept.into_iter().map(|(_, mailbox)| mailbox).collect::<Vec<_>>());
            let (chunks, pages) = (list.chunks().count(), list.pages().len());
            assert!(chunks <= 5 && pages == 1, "{chunks} chunks on {pages} pages for {}", list.len());
        }
    }

    /// One slice for a publish is what a few have, also if there were many.
    #[test]
    fn few_that_are_left_of_many_are_in_the_first_chunk() {
        for step in [1, 7, 97, 1_009] {
            let (mut list, mut expected) = list_of(FIRST + PAGE * CHUNK + CHUNK + 1);
            for number in 0.. {
                if expected.len() <= CHUNK {
                    break;
                }
                let leaver = expected.remove(number * step % expected.len());
                list = list.without(&leaver).expect("it is there");
            }
            assert!(!list.is_long(), "{step}");
            assert_are(&list, &expected);
        }
    }

    /// Not before, so that few are copied.
    #[test]
    fn first_chunk_takes_the_next_one_in_once_both_are_small() {
        let (list, all) = list_of(FIRST + 2 * CHUNK);
        let without = |count: usize| {
            all[..count].iter().fold(list.clone(), |list, leaver| list.without(leaver).expect("it is there"))
        };
        let lengths = |list: List<u64>| list.chunks().map(<[_]>::len).collect::<Vec<_>>();
        let many = FIRST / 2 + CHUNK - 1;
        assert_eq!(lengths(without(many)), [FIRST / 2 - CHUNK + 1, CHUNK, CHUNK]);
        assert_eq!(lengths(without(many + 1)), [FIRST / 2, CHUNK]);

        // Also if it is the next one that becomes small.
        let (list, all) = list_of(FIRST + CHUNK);
        let leavers = all[..FIRST / 2 + CHUNK / 2].iter().chain(&all[FIRST..FIRST + CHUNK / 2]);
        let few = leavers.fold(list, |list, leaver| list.without(leaver).expect("it is there"));
        assert_eq!(lengths(few), [FIRST / 2]);
    }

    #[test]
    fn chunk_that_runs_empty_takes_nobody_along() {
        for behind in [1, CHUNK - 1, CHUNK, CHUNK + 1, FIRST, PAGE * CHUNK, PAGE * CHUNK + 1, 2 * PAGE * CHUNK] {
            let (mut list, mut expected) = list_of(FIRST + behind);
            while !expected.is_empty() {
                list = list.without(&expected.remove(0)).expect("it is there");
                assert_are(&list, &expected);
            }
        }
    }

    #[test]
    fn versions_share_all_but_a_chunk_and_a_page() {
        let (list, all) = list_of(FIRST + 3 * PAGE * CHUNK);
        let (come, gone) = (any(), &all[FIRST + PAGE * CHUNK + 1]);
        let (chunks, pages) = (list.chunks().count(), list.pages().len());
        let shared = |after: List<u64>| {
            let is_old = |chunk: &&[_]| list.chunks().any(|other| std::ptr::eq(other, *chunk));
            let is_old_page = |page: &&Page<u64>| list.pages().iter().any(|other| Arc::ptr_eq(other, page));
            (after.chunks().filter(is_old).count(), after.pages().iter().filter(is_old_page).count())
        };
        assert_eq!(shared(list.without(gone).expect("it is there")), (chunks - 1, pages - 1));
        assert_eq!(shared(list.without(&all[0]).expect("it is there")), (chunks - 1, pages));
        assert_eq!(shared(list.with(&come)), (chunks, pages));
        assert_eq!(shared(list.with(&come).with(&come)), (chunks, pages));
    }
}
