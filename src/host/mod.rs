//! The effect seam of the host side.
