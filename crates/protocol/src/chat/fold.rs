//! Events to a whole response. To be written.
