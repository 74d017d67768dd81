// The users of the Redis under test. The application logs in as the one in SECURITY.md, the tests as the default user.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SECURITY = join(import.meta.dirname, '../../SECURITY.md');

/** The login of the application. */
export const USER = { name: 'edge-cache', password: 'the-password-of-the-application' };
/** The default user may do everything. It has a password, so that the application cannot be that user by mistake. */
export const DEFAULT_PASSWORD = 'the-password-of-the-tests';

/** The options of redis-server that create both users. */
export function userOptions(): string[] {
  return ['--requirepass', DEFAULT_PASSWORD, '--user', ...rightsOfUser().split(' ')];
}

function rightsOfUser(): string {
  const rights = readFileSync(SECURITY, 'utf8').match(/^\s*ACL SETUSER (.+?)\s*$/m)?.[1];
  if (rights === undefined) throw new Error('SECURITY.md has no permissions of a user');

  const own = rights.replace('PASSWORD', USER.password);
  return isRedis6() ? own.replace('-function -script|flush -script|kill', '-script') : own;
}

/** Redis 6.2 does not know the rights for functions and subcommands. */
function isRedis6(): boolean {
  return execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).includes('v=6.');
}
