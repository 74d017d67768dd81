//! The Wasmtime engine, which compiles and runs every component.

use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
    UpdateDeadline,
};

/// How long a busy instance keeps a thread before others run.
const EPOCH: Duration = Duration::from_millis(10);

/// Builds the engine for at most `max_instances` instances at once.
///
/// # Errors
/// The system cannot reserve the address space for the instances.
pub fn build(max_instances: u32) -> Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(max_instances)));
    let engine = Engine::new(&config)?;

    let ticking = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = ticking.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    });

    Ok(engine)
}

/// Lets other requests run after each epoch of `store`, so that an endless loop ends at its time
/// limit instead of holding a thread forever.
pub fn share_thread<T>(store: &mut Store<T>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|_| {
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
}

/// Returns the pool with Spin's limits.
///
/// Memory is reserved, and taken only when it is used. Up to `linear_memory_keep_resident` of it
/// stays for the next instance, which is cheaper than returning it to the kernel and asking again.
/// From Linux 6.7 on that is only the pages an instance has touched; older kernels keep the whole
/// beginning of the memory, most of it unused stack.
fn pool(max_instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(max_instances)
        .total_memories(max_instances)
        .total_tables(2 * max_instances)
        .total_stacks(max_instances)
        .total_core_instances(4 * max_instances)
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(512 << 10)
        .pagemap_scan(Enabled::Auto);

    pool
}
