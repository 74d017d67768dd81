//! Jobs on real servers: right counts, however many workers they had.

mod cluster;
mod killed;
mod shared;
mod states;
mod walked;
