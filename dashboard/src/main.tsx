// The entry point: starts routing, settings and polling, and renders the app.
import { render } from 'preact';
import { App } from './app';
import { startPolling } from './state/live';
import { startRouting } from './state/route';
import { startSettings } from './state/settings';

startSettings();
startRouting();
startPolling();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
