//! Jobs on real servers: right counts, whoever works on them.

mod cluster;
mod killed;
mod shared;
mod states;
mod walked;
