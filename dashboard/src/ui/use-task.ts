// Runs one task at a time for a component, and keeps its problem.
import { useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem';

export function useTask() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const run = async (task: () => Promise<void>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblem(null);

    try {
      await task();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}
