// The application under test: a private redis-server, the components on the local host, and a browser in front.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
/** One token for each role, by the name in the audit trail. */
export const TOKENS = {
  viewer: 'token-of-monitoring',
  operator: 'token-of-support',
  admin: 'token-of-deploy',
} as const;
export const NAMES = { viewer: 'monitoring', operator: 'support', admin: 'deploy' } as const;

export type Role = keyof typeof TOKENS;

export interface App {
  url: string;
  redis: (...command: (string | number)[]) => string;
  /** Several commands, one on a line. */
  feed: (commands: string) => void;
  /** Ends Redis, and starts it again, empty. */
  stopRedis: () => Promise<void>;
  startRedis: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startApp(variables: Record<string, string> = {}): Promise<App> {
  const state = mkdtempSync(join(tmpdir(), 'edge-cache-dashboard-'));
  const port = await freePort();
  let redis = await startRedis(port, state);
  const { host, url } = await startHost(state, port, variables).catch(async (error: unknown) => {
    await end(redis);
    throw error;
  });
  const cli = (args: readonly string[], input?: string): string =>
    execFileSync('redis-cli', ['-p', String(port), ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      ...(input !== undefined && { input }),
    });
  return {
    url,
    redis: (...command) => cli(command.map(String)).trim(),
    feed: (commands) => {
      const bad = cli([], commands).match(/^(\(error\)|ERR|WRONG).*/m);
      if (bad) throw new Error(bad[0]);
    },
    stopRedis: () => end(redis),
    startRedis: async () => {
      redis = await startRedis(port, state);
    },
    stop: async () => {
      await end(host);
      await end(redis);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

async function startRedis(port: number, directory: string): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  await printed(child, /Ready to accept connections/, 20_000);
  return child;
}

async function startHost(state: string, redisPort: number, variables: Record<string, string>) {
  // What is compiled once serves all files of tests.
  const compiled = join(ROOT, 'target/dashboard-compiled');
  mkdirSync(compiled, { recursive: true });
  symlinkSync(compiled, join(state, 'cache'));
  const tokens = (Object.keys(TOKENS) as Role[]).map(
    (role) => `${NAMES[role]}:${role}:${createHash('sha256').update(TOKENS[role]).digest('hex')}`,
  );
  const set = { redis_host: '127.0.0.1', redis_port: String(redisPort), tokens: tokens.join(','), ...variables };
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SPIN_VARIABLE_')));
  for (const [name, value] of Object.entries(set)) env[`SPIN_VARIABLE_${name.toUpperCase()}`] = value;
  const args = [
    '--from',
    'spin.toml',
    '--state-dir',
    state,
    '--listen',
    '127.0.0.1:0',
    '--sqlite',
    '@data/catalogue.sql',
  ];
  const host = spawn(hostProgram(), args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [, url = ''] = await printed(host, /Serving (http:\/\/[\d.:]+)/, 180_000);
  return { host, url };
}

function hostProgram(): string {
  const given = process.env['LOCAL_HOST_BIN'];
  if (given) return given;
  const built = ['host', 'release', 'debug'].map((profile) => join(ROOT, 'target', profile, 'local-host'));
  const found = built.find((path) => existsSync(path));
  if (found === undefined) throw new Error('local-host is not built: run scripts/build, or set LOCAL_HOST_BIN');
  return found;
}

/** Waits until the process prints this; its output goes on being read, so that it never has to wait. */
function printed(child: ChildProcess, wanted: RegExp, patienceMs: number): Promise<RegExpMatchArray> {
  return new Promise((done, fail) => {
    let text = '';
    const timer = setTimeout(() => fail(new Error(`not started in time:\n${text}`)), patienceMs);
    const read = (chunk: Buffer): void => {
      if (text.length > 1 << 20) return;
      text += chunk.toString();
      const match = text.match(wanted);
      if (match) {
        clearTimeout(timer);
        done(match);
      }
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`ended with ${code}:\n${text}`));
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', () => done());
    child.kill('SIGTERM');
  });
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? done(address.port) : fail(new Error('no port'))));
    });
  });
}
