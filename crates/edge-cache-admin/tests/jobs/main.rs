//! Jobs on real servers: right counts, however many workers they had.

mod cluster;
mod executed;
mod expired;
mod joint;
mod killed;
mod scheduled;
mod shared;
mod soft;
mod states;
mod walked;
