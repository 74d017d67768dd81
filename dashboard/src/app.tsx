// The frame of every view: health, navigation, who is asking, and the view itself.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { announcement } from './state/announce';
import { health, now, stats } from './state/live';
import { href, route, type View } from './state/route';
import { role, signedIn, signOut, typedHere, who } from './state/session';
import { dev, theme, THEMES, type Theme } from './state/settings';
import { ago } from './lib/format';
import { Check } from './ui/check';
import { Audit } from './views/audit';
import { Clear } from './views/clear';
import { DevTools } from './views/dev';
import { HealthPill } from './views/health';
import { Keys } from './views/keys';
import { Overview } from './views/overview';
import { SignIn } from './views/sign-in';
import { Warmup } from './views/warmup';

const TITLES: Record<View, string> = {
  overview: 'Overview',
  clear: 'Clear',
  keys: 'Keys',
  warmup: 'Warmup',
  audit: 'Audit',
  dev: 'DevTools',
};
const SHOWN = { overview: Overview, clear: Clear, keys: Keys, warmup: Warmup, audit: Audit, dev: DevTools };

export function App() {
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header />
      {signedIn.value ? <Content /> : <SignIn />}
      <div class="hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}

/** The address holds the view, so the browser's own jump to an anchor is not for us. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Header() {
  return (
    <header class="top">
      <a class="brand" href={href('overview')}>
        edge-cache
      </a>
      <HealthPill />
      {signedIn.value && <Navigation />}
      <div class="settings">
        {signedIn.value && (
          <Check checked={dev.value} onChange={(on) => (dev.value = on)}>
            DevTools
          </Check>
        )}
        <label class="theme">
          <span class="hidden">Colours</span>
          <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
            {THEMES.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {signedIn.value && <Account />}
      </div>
    </header>
  );
}

function Navigation() {
  const shown = (Object.keys(TITLES) as View[]).filter((view) => view !== 'dev' || dev.value);
  return (
    <nav class="tabs" aria-label="Views">
      {shown.map((view) => (
        <a key={view} href={href(view)} aria-current={route.value.view === view ? 'page' : undefined}>
          {TITLES[view]}
        </a>
      ))}
    </nav>
  );
}

function Account() {
  const known = role.value === null ? 'token' : [who.value, role.value].filter(Boolean).join(' · ');
  return (
    <span class="account">
      <span class="muted" title="The token's name and role">
        {known}
      </span>
      <button type="button" class="button quiet small" onClick={signOut}>
        Sign out
      </button>
    </span>
  );
}

function Content() {
  const main = useRef<HTMLElement>(null);
  const { view: asked } = route.value;
  const view = asked === 'dev' && !dev.value ? 'overview' : asked;
  const View = SHOWN[view];
  const first = useRef(true);
  // Before anything is seen of the view: a key pressed at once is meant for it.
  useLayoutEffect(() => {
    document.title = `${TITLES[view]} – edge-cache`;
    // Who follows a link or signs in by keyboard continues in the view, not behind the link.
    if (!first.current || typedHere) main.current?.focus();
    first.current = false;
  }, [view]);
  return (
    <main id="main" ref={main} tabIndex={-1} aria-label={TITLES[view]}>
      <Banner />
      <View />
    </main>
  );
}

/** Whatever view is shown: that the application or Redis is away, and how old the figures are. */
function Banner() {
  const problem = health.value.problem ?? stats.value.problem;
  if (problem?.unreached) {
    return (
      <div class="banner bad" role="alert">
        <strong>The application does not answer.</strong> {problem.message} {age()}
      </div>
    );
  }
  const why = redisTrouble();
  if (why === '') return null;
  return (
    <div class="banner bad" role="alert">
      <strong>Redis is not available.</strong> {why}. Services get no cached values meanwhile. Check that Redis runs and
      that the network lets this application reach it. {age()}
    </div>
  );
}

/** What is wrong with Redis, by whichever noticed: the health check, or the statistics in between. */
function redisTrouble(): string {
  const checked = health.value.value;
  if (checked?.status === 'unhealthy') {
    const { error, lastSeen } = checked.redis;
    return `${error}. ${lastSeen === null ? 'It has not been seen yet' : `Last seen ${ago(lastSeen, now.value)}`}`;
  }
  const { problem } = stats.value;
  return problem?.redisDown ? problem.message : '';
}

function age(): string {
  return stats.value.at === 0 ? '' : `What is shown is from ${ago(stats.value.at, now.value)}.`;
}
