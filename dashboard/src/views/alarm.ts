// The title and the icon of the page, which turn red when the cache is down or has an alert: a tab in the background shows it.
import { computed, effect, signal } from '@preact/signals';
import alarmIcon from '../icon-alarm.svg';
import { stats } from '../state/live';
import { healthVerdict } from './overview/health';

/** The title of the view that is shown. */
export const pageTitle = signal('edge-cache');

const isAlarmed = computed(() => healthVerdict().tone === 'bad' || (stats.value.value?.alerts.length ?? 0) > 0);

export function startAlarm(): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const calmIcon = link?.getAttribute('href') ?? '';

  effect(() => {
    document.title = `${isAlarmed.value ? '🔴 ' : ''}${pageTitle.value} – edge-cache`;
  });
  effect(() => link?.setAttribute('href', isAlarmed.value ? alarmIcon : calmIcon));
}
