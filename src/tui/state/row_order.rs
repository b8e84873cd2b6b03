//! Which rows of a list are shown, and in which order: worked out once for all that is made of it
//! between a key and its frame, which is asked for by the cursor, the questions and the screen.

use std::cell::RefCell;

use crate::state::lists::Sort;
use crate::types::Timestamp;

/// All that an order depends on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Basis {
    /// The list's name.
    pub(crate) list: &'static str,
    pub(crate) filter: String,
    pub(crate) sort: Option<Sort>,
    /// Where the first and the last of the rows before the filter stand, and how many there are.
    pub(crate) rows: (usize, usize, usize),
    /// How often anything that was fetched has changed.
    pub(crate) changes: u64,
    /// Cells tell how long ago something was, and more where there is room.
    pub(crate) now: Timestamp,
    pub(crate) width: u16,
}

/// The order that was worked out last. It never says anything but what would be worked out anew,
/// so that drawing stays a function of the state.
#[derive(Debug, Default)]
pub(crate) struct RowOrder(RefCell<Option<(Basis, Vec<usize>)>>);

impl RowOrder {
    /// Returns the order on that basis, which `make` works out where it is not known.
    pub(crate) fn get(&self, basis: Basis, make: impl Fn() -> Vec<usize>) -> Vec<usize> {
        let known = self.0.borrow().as_ref().filter(|(of, _)| *of == basis).map(|(_, o)| o.clone());
        if let Some(known) = known {
            assert!(!cfg!(test) || known == make(), "the order of `{}` is stale", basis.list);
            return known;
        }
        let made = make();
        *self.0.borrow_mut() = Some((basis, made.clone()));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(changes: u64) -> Basis {
        let rows = (1, 2, 3);
        let now = Timestamp::UNIX_EPOCH;
        Basis { list: "dags", filter: "a".into(), sort: None, rows, changes, now, width: 80 }
    }

    #[test]
    fn another_basis_gives_another_order() {
        let order = RowOrder::default();
        assert_eq!(order.get(basis(1), || vec![2, 1]), [2, 1]);
        assert_eq!(order.get(basis(1), || vec![2, 1]), [2, 1]);
        assert_eq!(order.get(basis(2), || vec![0]), [0]);
    }

    #[test]
    #[should_panic(expected = "the order of `dags` is stale")]
    fn tests_notice_where_something_is_left_out_of_the_basis() {
        let order = RowOrder::default();
        order.get(basis(1), || vec![2, 1]);
        order.get(basis(1), || vec![0]);
    }
}
