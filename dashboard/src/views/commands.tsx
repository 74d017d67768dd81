// The command palette: views and actions, found by typing. Text that names no command can be searched, cleared or opened.
import { useId, useState } from 'preact/hooks';
import { signOut } from '../api/session';
import { matchesWords } from '../lib/words';
import { refreshHealth, refreshStats } from '../state/live';
import { overlay } from '../state/overlay';
import { navigate, type View } from '../state/route';
import { devTools, theme, THEMES } from '../state/settings';
import { Dialog } from '../ui/dialog';
import { focusSearch } from './keyboard';

interface Command {
  name: string;
  run: () => void;
}

interface Props {
  /** The views that are offered, with their titles. */
  views: readonly (readonly [view: View, title: string])[];
}

function commandsFor(views: Props['views']): Command[] {
  return [
    ...views.map(([view, title]) => ({ name: `Go to ${title}`, run: () => navigate(view) })),
    { name: 'Search keys', run: focusSearch },
    { name: 'See what fills the memory', run: () => navigate('memory') },
    { name: 'List keys without a TTL', run: () => navigate('keys', { noTtl: '1' }) },
    { name: 'List large keys', run: () => navigate('keys', { minSize: '102400', sort: 'size' }) },
    { name: 'Clear by pattern', run: () => navigate('clear', { by: 'pattern' }) },
    { name: 'Clear by tag', run: () => navigate('clear', { by: 'tags' }) },
    { name: 'Clear everything', run: () => navigate('clear', { by: 'everything' }) },
    { name: 'Give keys a TTL', run: () => navigate('expiry') },
    { name: 'Show running jobs', run: () => navigate('jobs', { state: 'running' }) },
    { name: 'Show hot keys', run: () => navigate('performance') },
    { name: 'Show slow commands', run: () => navigate('performance') },
    { name: 'Change the TTL table', run: () => navigate('ttls') },
    { name: 'Show deliveries of alerts', run: () => navigate('alerts') },
    { name: 'Refresh figures', run: () => void Promise.all([refreshStats(), refreshHealth()]) },
    ...THEMES.map((name) => ({ name: `Theme: ${name}`, run: () => (theme.value = name) })),
    { name: `${devTools.value ? 'Hide' : 'Show'} DevTools`, run: () => (devTools.value = !devTools.value) },
    { name: 'Keyboard shortcuts', run: () => setTimeout(() => (overlay.value = 'shortcuts')) },
    { name: 'Sign out', run: signOut },
  ];
}

/** Commands that take the typed text. */
function commandsWith(text: string): Command[] {
  if (text === '') return [];
  return [
    { name: `Search keys for ${text}`, run: () => navigate('keys', { pattern: text }) },
    { name: `Clear ${text} …`, run: () => navigate('clear', { by: 'pattern', pattern: text }) },
    { name: `Open the key ${text}`, run: () => navigate('keys', { key: text }) },
  ];
}

export function Commands({ views }: Props) {
  const [typed, setTyped] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  const matching = commandsFor(views).filter(({ name }) => matchesWords(name, typed));
  const shown = [...matching, ...commandsWith(typed.trim())];
  const current = Math.min(active, shown.length - 1);

  const type = (text: string): void => {
    setTyped(text);
    setActive(0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setActive((current + step + shown.length) % shown.length);
    else if (event.key === 'Enter') run(shown[current]);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog title="Commands" onClose={close}>
      <input
        class="wide"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={`${id}-${current}`}
        autocomplete="off"
        spellcheck={false}
        placeholder="A view, an action or a key"
        value={typed}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <Options id={id} commands={shown} current={current} />
    </Dialog>
  );
}

function close(): void {
  overlay.value = '';
}

function run(command: Command | undefined): void {
  close();
  // The dialog first returns the focus; the command may then move it.
  setTimeout(() => command?.run());
}

function Options({ id, commands, current }: { id: string; commands: readonly Command[]; current: number }) {
  return (
    <ul class="commands" id={id} role="listbox" aria-label="Commands">
      {commands.map((command, index) => (
        <li
          key={command.name}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === current}
          ref={index === current ? scrollIntoView : null}
          onClick={() => run(command)}
        >
          {command.name}
        </li>
      ))}
    </ul>
  );
}

function scrollIntoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}
