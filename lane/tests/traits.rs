//! Who may go to another thread, and who may be shared.

use ringbus_lane::{Consumer, Producer, PushError};
use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

/// Whether a type implements a trait: its own constant, which is there only then, hides the one of
/// all types.
macro_rules! implements {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code)]
        trait Otherwise {
            const IMPLEMENTS: bool = false;
        }
        impl<T> Otherwise for T {}
        #[allow(dead_code)]
        struct Of<T>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: $trait> Of<T> {
            const IMPLEMENTS: bool = true;
        }
        <Of<$type>>::IMPLEMENTS
    }};
}

#[test]
fn producer_may_be_sent_shared_and_cloned() {
    assert!(implements!(Producer<u8>: Send) && implements!(Producer<u8>: Sync) && implements!(Producer<u8>: Clone));
    // The ring gives out no references, so its values need not be shared.
    assert!(implements!(Producer<Cell<u8>>: Sync) && implements!(Producer<Cell<u8>>: Send));
    // Values need not be cloned for that.
    assert!(implements!(Producer<Cell<u8>>: Clone));
}

#[test]
fn consumer_may_be_sent_and_neither_shared_nor_cloned() {
    assert!(implements!(Consumer<u8>: Send) && implements!(Consumer<Cell<u8>>: Send));
    assert!(!implements!(Consumer<u8>: Sync) && !implements!(Consumer<u8>: Clone));
}

#[test]
fn ends_of_a_ring_of_values_that_may_not_be_sent_stay_where_they_are() {
    assert!(!implements!(Producer<Rc<u8>>: Send) && !implements!(Producer<Rc<u8>>: Sync));
    assert!(!implements!(Consumer<Rc<u8>>: Send) && !implements!(Consumer<Rc<u8>>: Sync));
    assert!(implements!(PushError<u8>: Send) && !implements!(PushError<Rc<u8>>: Send));
}

#[test]
fn panic_does_not_make_the_ends_suspect() {
    assert!(implements!(Producer<Cell<u8>>: UnwindSafe) && implements!(Producer<Cell<u8>>: RefUnwindSafe));
    assert!(implements!(Consumer<Cell<u8>>: UnwindSafe));
}
