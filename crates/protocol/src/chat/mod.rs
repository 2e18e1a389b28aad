//! The canonical chat form.

pub mod request;
pub mod event;
pub mod fold;
