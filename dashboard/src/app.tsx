// The frame around every view: health, navigation, account, and a banner when the application or Redis is down.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { callerName, role, signedIn, signedInHere, signOut } from './api/session';
import { announcement } from './state/announce';
import { href, route, type View } from './state/route';
import { devTools, theme, THEMES, type Theme } from './state/settings';
import { Check } from './ui/check';
import { Audit } from './views/audit';
import { Banner } from './views/banner';
import { Clear } from './views/clear';
import { DevTools } from './views/dev';
import { Keys } from './views/keys';
import { Overview } from './views/overview';
import { HealthPill } from './views/overview/health';
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
const COMPONENTS = { overview: Overview, clear: Clear, keys: Keys, warmup: Warmup, audit: Audit, dev: DevTools };

export function App() {
  return (
    <>
      <a class="skip" href="#main" onClick={skipToContent}>
        Skip to content
      </a>
      <Header />
      {signedIn.value ? <Content /> : <SignIn />}
      <div class="hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}

/** Replaces the browser's own jump, which would change the fragment of the address and with it the view. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Header() {
  const isSignedIn = signedIn.value;

  return (
    <header class="top">
      <a class="brand" href={href('overview')}>
        edge-cache
      </a>
      <HealthPill />
      {isSignedIn && <Navigation />}
      <div class="settings">
        {isSignedIn && (
          <Check checked={devTools.value} onChange={(shown) => (devTools.value = shown)}>
            DevTools
          </Check>
        )}
        <ThemeSelect />
        {isSignedIn && <Account />}
      </div>
    </header>
  );
}

function Navigation() {
  const views = (Object.keys(TITLES) as View[]).filter((view) => view !== 'dev' || devTools.value);

  return (
    <nav class="tabs" aria-label="Views">
      {views.map((view) => (
        <a key={view} href={href(view)} aria-current={route.value.view === view ? 'page' : undefined}>
          {TITLES[view]}
        </a>
      ))}
    </nav>
  );
}

function ThemeSelect() {
  return (
    <label class="theme">
      <span class="hidden">Theme</span>
      <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        {THEMES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Account() {
  const account = role.value === null ? 'token' : [callerName.value, role.value].filter(Boolean).join(' · ');

  return (
    <span class="account">
      <span class="muted" title="Name and role of the token">
        {account}
      </span>
      <button type="button" class="button quiet small" onClick={signOut}>
        Sign out
      </button>
    </span>
  );
}

function Content() {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const requested = route.value.view;
  const view = requested === 'dev' && !devTools.value ? 'overview' : requested;
  const View = COMPONENTS[view];

  // A layout effect runs before the next key press, which is already meant for the new view.
  useLayoutEffect(() => {
    document.title = `${TITLES[view]} – edge-cache`;
    // Keyboard users continue in the view after following a link or signing in. A reload leaves the focus alone.
    if (!isFirst.current || signedInHere) main.current?.focus();
    isFirst.current = false;
  }, [view]);

  return (
    <main id="main" ref={main} tabIndex={-1} aria-label={TITLES[view]}>
      <Banner />
      <View />
    </main>
  );
}
