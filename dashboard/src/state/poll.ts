// Repeats a task while the page is visible.

/** Runs `task` now and again `everyMs` after each end. Pauses while the page is hidden. Returns a function that stops. */
export function poll(task: (signal: AbortSignal) => Promise<void>, everyMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | null = null;
  let stopped = false;

  const run = async (): Promise<void> => {
    if (stopped || running !== null || document.hidden) return;
    clearTimeout(timer);

    running = new AbortController();
    await task(running.signal).catch(() => undefined);
    running = null;

    if (!stopped && !document.hidden) timer = setTimeout(() => void run(), everyMs);
  };

  const onVisibility = (): void => {
    if (document.hidden) clearTimeout(timer);
    else void run();
  };
  document.addEventListener('visibilitychange', onVisibility);
  void run();

  return () => {
    stopped = true;
    clearTimeout(timer);
    running?.abort();
    document.removeEventListener('visibilitychange', onVisibility);
  };
}
