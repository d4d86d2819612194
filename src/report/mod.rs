//! What people see. A sink that fails warns; it never fails a deploy.

pub mod context;
