//! The journal under everything that can happen to it: cuts, flipped bits, failing and full disks, power cuts.
//!
//! Invariants D1 (acknowledged ⇒ fsynced), D3 and D5 (what is read back is checked).

mod damage;
mod disk;
mod faults;
mod feed;
mod files;
mod site;
