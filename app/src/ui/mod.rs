//! The components that pages are made of. They show what they are given and know no data.
//! Each has a file of the same name in `style/ui`.

mod badge;
mod code;
mod empty;
mod facts;
mod field;
mod head;
mod notice;
mod pager;
mod table;

pub(crate) use badge::{Badge, Tone};
pub(crate) use code::{Code, Samples};
pub(crate) use empty::Empty;
pub(crate) use facts::{Fact, Facts};
pub(crate) use field::{Choice, Field, Select};
pub(crate) use head::{Crumbs, PageHead, Section};
pub(crate) use notice::{Notice, Refusal};
pub(crate) use pager::Pager;
pub(crate) use table::{At, Cell, Table, When};
