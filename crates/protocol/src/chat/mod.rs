//! The canonical chat form.

pub mod event;
pub mod fold;
pub mod media;
pub mod request;
pub mod reasoning;
pub mod view;
