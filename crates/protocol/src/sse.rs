//! Sans-I/O server-sent events. To be written.
