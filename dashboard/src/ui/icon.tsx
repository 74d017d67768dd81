// Icons: of each view, and of each tone of a state. The words beside an icon say the same, so readers of the screen skip it.

const PATHS = {
  overview: 'M1.5 8.5h3l2-5 3 9 2-4h3',
  memory: 'M4 4h8v8H4zM6.5 1.5V4m3-2.5V4m-3 8v2.5m3-2.5v2.5M1.5 6.5H4m-2.5 3H4m8-3h2.5m-2.5 3h2.5',
  keys: 'M7.2 8.8l6.3-6.3m-3 3l2.5 2.5M8 11a3 3 0 1 1-6 0 3 3 0 0 1 6 0z',
  clear: 'M2.5 4.5h11m-7.5 0v-2h4v2m-6 0l.7 9h6.6l.7-9m-5.3 2.7v4m2.6-4v4',
  expiry: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 4.5V8l2.5 1.5',
  jobs: 'M5.5 4H14M5.5 8H14m-8.5 4H14M2 4h.4M2 8h.4M2 12h.4',
  warmup:
    'M8.5 1.5C9 4.5 12.5 5.5 12.5 9.5a4.5 4.5 0 0 1-9 0C3.5 7.8 4.5 6.7 5.3 6c.2 1.2.9 1.9 1.7 1.9C7.6 6 7.3 3.5 8.5 1.5z',
  performance: 'M2 14h12M4 14V9.5M7.3 14V4.5m3.4 9.5V7m3.3 7V2.5',
  alerts: 'M8 2a4 4 0 0 0-4 4c0 4-1.5 5-1.5 5h11S12 10 12 6a4 4 0 0 0-4-4zM6.5 13.5a1.6 1.6 0 0 0 3 0',
  audit: 'M4 1.5h5.5l3 3v10H4zm5.5 0v3h3M6.2 8h4M6.2 11h4',
  dev: 'M5.5 4.5L2 8l3.5 3.5m5-7L14 8l-3.5 3.5',
  ok: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM5.3 8.2l1.9 1.9 3.5-4',
  warn: 'M8 2l6.5 11.5h-13zm0 4.5v3m0 2v.1',
  bad: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM6 6l4 4m0-4l-4 4',
  info: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 7.5V11m0-6v.1',
  none: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM5 8h.1m2.9 0h.1m2.9 0h.1',
};

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
