//! The one form that every page has. Answered here, because it belongs to no page.

mod data;
