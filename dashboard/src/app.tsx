// The frame around every view: health, navigation, account, and a banner when the application or Redis is down.
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { callerName, role, signedIn, signedInHere, signOut } from './api/session';
import { announcement } from './state/announce';
import { overlay } from './state/overlay';
import { href, route, type View } from './state/route';
import { devTools, theme, THEMES, type Theme } from './state/settings';
import { Check } from './ui/check';
import { Icon } from './ui/icon';
import { pageTitle } from './views/alarm';
import { Alerts } from './views/alerts';
import { Audit } from './views/audit';
import { Banner } from './views/banner';
import { Clear } from './views/clear';
import { Commands } from './views/commands';
import { DevTools } from './views/dev';
import { Expiry } from './views/expiry';
import { Jobs } from './views/jobs';
import { Shortcuts, watchKeyboard } from './views/keyboard';
import { Keys } from './views/keys';
import { Memory } from './views/memory';
import { Overview } from './views/overview';
import { HealthPill } from './views/overview/health';
import { Performance } from './views/performance';
import { SignIn } from './views/sign-in';
import { Ttls } from './views/ttl';
import { Warmup } from './views/warmup';

const TITLES: Record<View, string> = {
  overview: 'Overview',
  memory: 'Memory',
  keys: 'Keys',
  clear: 'Clear',
  expiry: 'Expiry',
  ttls: 'TTL table',
  jobs: 'Jobs',
  warmup: 'Warmup',
  performance: 'Performance',
  alerts: 'Alerts',
  audit: 'Audit',
  dev: 'DevTools',
};
const COMPONENTS = {
  overview: Overview,
  memory: Memory,
  keys: Keys,
  clear: Clear,
  expiry: Expiry,
  ttls: Ttls,
  jobs: Jobs,
  warmup: Warmup,
  performance: Performance,
  alerts: Alerts,
  audit: Audit,
  dev: DevTools,
};

/** The views that can be opened, with their titles. */
function shownViews(): [View, string][] {
  const views = Object.entries(TITLES) as [View, string][];
  return views.filter(([view]) => view !== 'dev' || devTools.value);
}

/** The view of the navigation that a view belongs to. */
function tabOf(view: View): View {
  return view === 'ttls' ? 'expiry' : view;
}

export function App() {
  useEffect(watchKeyboard, []);

  return (
    <>
      <a class="skip" href="#main" onClick={skipToContent}>
        Skip to content
      </a>
      <Header />
      {signedIn.value ? <Content /> : <SignIn />}
      {signedIn.value && overlay.value === 'commands' && <Commands views={shownViews()} />}
      {signedIn.value && overlay.value === 'shortcuts' && <Shortcuts />}
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
        {isSignedIn && <CommandsButton />}
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
  const tabs = useRef<HTMLElement>(null);
  const current = tabOf(route.value.view);
  // On a narrow screen the tabs scroll sideways.
  useLayoutEffect(() => {
    const tab = tabs.current?.querySelector<HTMLElement>('[aria-current]');
    if (tab && tabs.current)
      tabs.current.scrollLeft = tab.offsetLeft + tab.offsetWidth / 2 - tabs.current.clientWidth / 2;
  }, [current]);

  return (
    <nav class="tabs" aria-label="Views" ref={tabs}>
      {shownViews()
        .filter(([view]) => tabOf(view) === view)
        .map(([view, title]) => (
          <a key={view} href={href(view)} aria-current={current === view ? 'page' : undefined}>
            <Icon name={view === 'ttls' ? 'expiry' : view} /> {title}
          </a>
        ))}
    </nav>
  );
}

function CommandsButton() {
  return (
    <button type="button" class="button quiet small" onClick={() => (overlay.value = 'commands')}>
      <span class="narrow-hidden">Commands</span> <kbd>Ctrl K</kbd>
    </button>
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
    pageTitle.value = TITLES[view];
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
