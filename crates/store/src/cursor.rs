//! Cursors of lists that go from the newest to the oldest.

use domain::page::Page;
use domain::time::Timestamp;

use crate::error::StoreError;

/// No list gives out more at once.
const LIMIT_MAX: u32 = 1_000;

/// A place in a list ordered by time and then by identifier, both descending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) at: i64,
    pub(crate) id: String,
}

impl Cursor {
    /// Parses a cursor of [`page`]; none is the place before the first item.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, StoreError> {
        let Some(text) = text else {
            return Ok(Self { at: i64::MAX, id: String::new() });
        };
        let (at, id) = text.split_once('.').ok_or(StoreError::InvalidCursor)?;
        let at = at.parse().map_err(|_| StoreError::InvalidCursor)?;
        let valid = id.len() <= 64
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if valid { Ok(Self { at, id: id.to_owned() }) } else { Err(StoreError::InvalidCursor) }
    }
}

/// How many rows to ask for: one more than the page, to know whether another page follows.
pub(crate) fn rows(limit: u32) -> i64 {
    i64::from(limit.clamp(1, LIMIT_MAX)) + 1
}

/// Makes a page from the rows asked for, and its cursor from the last item on it.
pub(crate) fn page<T>(
    mut items: Vec<T>,
    limit: u32,
    place: impl Fn(&T) -> (Timestamp, String),
) -> Page<T> {
    let size = usize::try_from(limit.clamp(1, LIMIT_MAX)).unwrap_or(usize::MAX);
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|last| {
        let (at, id) = place(last);
        format!("{}.{id}", at.as_micros())
    });
    Page { items, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_another_follows() {
        let place = |n: &i64| (Timestamp::from_micros(*n), format!("id_{n}"));
        let full = page(vec![3, 2, 1], 2, place);
        assert_eq!(full.items, [3, 2]);
        let next = Cursor::parse(full.next.as_deref()).unwrap();
        assert_eq!(next, Cursor { at: 2, id: "id_2".into() });
        assert_eq!(page(vec![2, 1], 2, place).next, None);
        assert_eq!(page(Vec::new(), 2, place).next, None);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for text in ["", "1", "x.y", "1.a'b", "1.a b", "99999999999999999999.a"] {
            assert!(matches!(Cursor::parse(Some(text)), Err(StoreError::InvalidCursor)), "{text}");
        }
    }
}
