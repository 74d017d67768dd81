// The entry point: starts routing, settings and polling, and renders the app.
import { render } from 'preact';
import { App } from './app';
import { startSession } from './api/session';
import { startPolling } from './state/live';
import { startRouting } from './state/route';
import { startSettings } from './state/settings';
import { startAlarm } from './views/alarm';

startSession();
startSettings();
startRouting();
startPolling();
startAlarm();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
