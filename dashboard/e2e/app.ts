// Starts the application under test: a private redis-server and the components on the local host.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULT_PASSWORD, USER, userOptions } from './redis-users.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
/** A token for each role. */
export const TOKENS = {
  viewer: 'the-token-of-monitoring-5d41',
  operator: 'the-token-of-support-9a27',
  admin: 'the-token-of-deploy-c3f8',
} as const;
/** The names of the tokens, as in the audit trail. */
export const NAMES = { viewer: 'monitoring', operator: 'support', admin: 'deploy' } as const;

export type Role = keyof typeof TOKENS;

/** Output of a process that is kept for the message of a failure. */
const MAX_OUTPUT_CHARACTERS = 1 << 20;

export interface App {
  url: string;
  /** Starts the sample shop on the same Redis, and returns its URL. It ends with the application. */
  startShop: () => Promise<string>;
  /** Runs a command of redis-cli as the default user, who may do more than the application. */
  redis: (...command: (string | number)[]) => string;
  /** Runs several commands as that user, one per line. */
  redisAll: (commands: string) => void;
  stopRedis: () => Promise<void>;
  /** Starts Redis again, empty. */
  startRedis: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startApp(variables: Record<string, string> = {}): Promise<App> {
  const state = mkdtempSync(join(tmpdir(), 'edge-cache-dashboard-'));
  const port = await freePort();
  let redis = await startRedis(port, state);

  const { host, url } = await startHost(state, withSamplePlan(state), port, variables).catch(async (error: unknown) => {
    await end(redis);
    throw error;
  });
  const others: ChildProcess[] = [];

  return {
    url,
    startShop: async () => {
      const shop = await startShop(state, port, variables);
      others.push(shop.host);
      return shop.url;
    },
    redis: (...command) => redisCli(port, command.map(String)).trim(),
    redisAll: (commands) => {
      const failure = redisCli(port, [], commands).match(/^(\(error\)|ERR|WRONG|NOAUTH).*/m);
      if (failure) throw new Error(failure[0]);
    },
    stopRedis: () => end(redis),
    startRedis: async () => {
      redis = await startRedis(port, state);
    },
    stop: async () => {
      for (const child of [...others, host, redis]) await end(child);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

function redisCli(port: number, args: readonly string[], input?: string): string {
  return execFileSync('redis-cli', ['-p', String(port), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, REDISCLI_AUTH: DEFAULT_PASSWORD },
    ...(input !== undefined && { input }),
  });
}

async function startRedis(port: number, directory: string): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory, ...userOptions()],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  await waitForOutput(child, /Ready to accept connections/, 20_000);
  return child;
}

/** Writes a copy of spin.toml beside the configuration of the sample shop, because the product's own plan has no modules. */
function withSamplePlan(state: string): string {
  const text = readFileSync(join(ROOT, 'spin.toml'), 'utf8');
  copyFileSync(join(ROOT, 'examples/catalog/edge-cache.toml'), join(state, 'edge-cache.toml'));

  const manifest = join(state, 'spin.toml');
  writeFileSync(manifest, text.replaceAll('source = "target/', `source = "${ROOT}/target/`));
  return manifest;
}

function startShop(state: string, redisPort: number, variables: Record<string, string>) {
  const shopState = join(state, 'shop');
  mkdirSync(shopState);
  return startHost(shopState, 'examples/catalog/spin.toml', redisPort, variables);
}

async function startHost(state: string, manifest: string, redisPort: number, variables: Record<string, string>) {
  shareCompiledComponents(state);
  const env = environment({
    redis_host: '127.0.0.1',
    redis_port: String(redisPort),
    redis_username: USER.name,
    redis_password: USER.password,
    tokens: tokensVariable(),
    ...variables,
  });
  const args = ['--from', manifest, '--state-dir', state, '--listen', '127.0.0.1:0', '--sqlite', '@data/catalogue.sql'];

  const host = spawn(hostProgram(), args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [, url = ''] = await waitForOutput(host, /Serving (http:\/\/[\d.:]+)/, 180_000);
  return { host, url };
}

/** All hosts of these tests use one cache of compiled components. */
function shareCompiledComponents(state: string): void {
  const compiled = join(ROOT, 'target/dashboard-compiled');
  mkdirSync(compiled, { recursive: true });
  symlinkSync(compiled, join(state, 'cache'));
}

function tokensVariable(): string {
  const tokens = (Object.keys(TOKENS) as Role[]).map(
    (role) => `${NAMES[role]}:${role}:${createHash('sha256').update(TOKENS[role]).digest('hex')}`,
  );
  return tokens.join(',');
}

/** The environment of this process with these application variables only. */
function environment(variables: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SPIN_VARIABLE_'));
  const set = Object.entries(variables).map(([name, value]) => [`SPIN_VARIABLE_${name.toUpperCase()}`, value]);
  return Object.fromEntries([...inherited, ...set]);
}

function hostProgram(): string {
  const given = process.env['LOCAL_HOST_BIN'];
  if (given) return given;

  const built = ['quick', 'host', 'debug']
    .map((profile) => join(ROOT, 'target', profile, 'local-host'))
    .filter(existsSync);
  const [newest] = built.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
  if (newest === undefined) throw new Error('local-host is not built: run scripts/build, or set LOCAL_HOST_BIN');
  return newest;
}

/** Waits until the process prints this. Its output is read until it ends, so that it never blocks on a full pipe. */
export function waitForOutput(child: ChildProcess, expected: RegExp, timeoutMs: number): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (reason: string): void => {
      clearTimeout(timer);
      reject(new Error(`${reason}:\n${text}`));
    };
    const timer = setTimeout(() => fail('not started in time'), timeoutMs);

    const read = (chunk: Buffer): void => {
      if (text.length > MAX_OUTPUT_CHARACTERS) return;
      text += chunk.toString();
      const match = text.match(expected);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('exit', (code) => fail(`ended with ${code}`));
  });
}

export function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);

    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
