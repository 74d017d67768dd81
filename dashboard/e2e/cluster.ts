// Starts a Redis Cluster of three primaries, to which the application under test connects.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, freePort, waitForOutput } from './app.ts';

export interface Cluster {
  /** The variables by which the application finds it. */
  variables: Record<string, string>;
  /** The addresses of the nodes, sorted. The application is given the first one. */
  addresses: string[];
  /** Runs a command, following redirections. */
  redis: (...command: (string | number)[]) => string;
  /** Stops the process of a node: its connections stay open, and commands get no reply. */
  freeze: (address: string) => void;
  thaw: (address: string) => void;
  stop: () => Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'edge-cache-cluster-'));
  const nodes = new Map<string, ChildProcess>();
  const ports = [await freePort(), await freePort(), await freePort()].sort((one, other) => one - other);
  for (const port of ports) nodes.set(`127.0.0.1:${port}`, await startNode(port, directory));

  const addresses = [...nodes.keys()];
  const [port = ''] = ports.map(String);
  // -e: an error reply is a failure.
  const cli = (...args: string[]): string => execFileSync('redis-cli', ['-e', ...args], { encoding: 'utf8' }).trim();
  cli('--cluster', 'create', ...addresses, '--cluster-yes');
  for (const each of ports) {
    while (!cli('-p', String(each), 'CLUSTER', 'INFO').includes('cluster_state:ok')) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  return {
    variables: { redis_port: port, redis_username: '', redis_password: '', redis_nodes: 'redis://127.0.0.1:*' },
    addresses,
    redis: (...command) => cli('-c', '-p', port, ...command.map(String)),
    freeze: (address) => void nodes.get(address)?.kill('SIGSTOP'),
    thaw: (address) => void nodes.get(address)?.kill('SIGCONT'),
    stop: async () => {
      for (const node of nodes.values()) {
        node.kill('SIGCONT');
        await end(node);
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function startNode(port: number, directory: string): Promise<ChildProcess> {
  const options = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`];
  // Frozen nodes must not count as failed during a test.
  const bus = ['--cluster-port', await freePort(), '--cluster-node-timeout', 60_000];

  const child = spawn('redis-server', [...options, ...cluster, ...bus].map(String), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await waitForOutput(child, /Ready to accept connections/, 20_000);
  return child;
}
