// A time series with uPlot: drawn in the colours in force, as wide as its place, summed up in words for who cannot see it.
import uPlot from 'uplot';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock } from '../lib/format';
import { colours } from '../state/settings';

export interface Line {
  label: string;
  values: readonly (number | null)[];
}

interface Props {
  title: string;
  at: readonly number[];
  lines: readonly Line[];
  format: (value: number) => string;
  summary: string;
  /** The vertical range; by default from zero to what there is. */
  range?: [number, number];
  /** Steps of the vertical axis that read well. */
  steps?: number[];
}

const HEIGHT = 170;

export function Chart(props: Props) {
  const { title, at, lines, summary } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const palette = colours.value;

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(settings(element, props, setPointed), [[], ...lines.map(() => [])], element);
    plot.current = made;
    const follow = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    follow.observe(element);
    return () => {
      follow.disconnect();
      made.destroy();
    };
  }, [palette]);

  useEffect(() => {
    plot.current?.setData([[...at], ...lines.map((line) => [...line.values])] as uPlot.AlignedData);
  }, [at, palette]);

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {lines.length > 1 &&
          lines.map((line, index) => (
            <span key={line.label} class={`legend series-${index}`}>
              {line.label}
            </span>
          ))}
        <span class="chart-summary">{sayPoint(pointed, props) || summary}</span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${title}: ${summary}`}>
        {lines.map((line, index) => (
          <i key={line.label} class={`series-${index}`} hidden />
        ))}
      </div>
    </figure>
  );
}

/** What the lines are at the point under the pointer, in place of the summary. */
function sayPoint(index: number | null, { at, lines, format }: Props): string {
  const time = index === null ? undefined : at[index];
  if (index === null || time === undefined) return '';
  const values = lines
    .map(({ values }) => values[index] ?? null)
    .map((value) => (value === null ? '–' : format(value)));
  return `${clock(new Date(time * 1000))}: ${values.join(', ')}`;
}

function settings(
  element: HTMLElement,
  { lines, format, range, steps }: Props,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const strokes = [...element.querySelectorAll('i')].map((probe) => getComputedStyle(probe).color);
  const axis = { stroke: style.color, font: `11px ${style.fontFamily}`, ticks: { show: false } };
  const grid = { stroke: style.borderTopColor, width: 1 };
  return {
    width: element.clientWidth || 300,
    height: HEIGHT,
    // At the right half a label of the time axis: one may stand below the last point.
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)] },
    scales: {
      x: { range: (plot: uPlot) => span(plot.data[0]) },
      y: { range: range ?? ((_, least, most) => bounds(least, most)) },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: '{HH}:{mm}:{ss}' },
      { ...axis, grid, size: 62, space: 34, values: (_, splits) => splits.map(format), ...(steps && { incrs: steps }) },
    ],
    series: [
      {},
      ...lines.map((line, index) => ({
        label: line.label,
        stroke: strokes[index] ?? style.color,
        width: index === 0 ? 1.75 : 1.25,
        points: { show: (plot: uPlot) => plot.data[0].length < 3 },
      })),
    ],
  };
}

/** A minute at least, so that the first points do not jump about. */
function span(at: ArrayLike<number>): [number, number] {
  const end = at[at.length - 1] ?? Date.now() / 1000;
  return [Math.min(at[0] ?? end, end - 60), end];
}

/** From zero, with some air above; flat lines stay in the middle. */
function bounds(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null || most <= 0) return [0, 1];
  return [0, most * 1.2];
}
