//! What handlers need of a request. Whatever needs only headers comes before what reads the body.

pub mod address;
pub mod attribution;
pub mod body;
pub mod caller;
pub mod client_address;
pub mod metadata;
