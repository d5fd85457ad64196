//! sensors-sim
