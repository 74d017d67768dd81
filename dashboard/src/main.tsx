// Starts the app.
import { render } from 'preact';
import { App } from './app';
import { startLive } from './state/live';
import { startRouting } from './state/route';
import { startSettings } from './state/settings';

startSettings();
startRouting();
startLive();

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
