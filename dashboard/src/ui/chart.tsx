// A time series, drawn by uPlot in the colours and the width of its place, with a summary in words for screen readers.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatTime } from '../lib/format';
import { colourChanges } from '../state/settings';

export interface Series {
  label: string;
  values: readonly (number | null)[];
}

interface Props {
  title: string;
  /** Seconds since 1970, one for each value of each series. */
  at: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  summary: string;
  /** The vertical range; by default from zero to the largest value. */
  range?: [number, number];
  /** Steps of the vertical axis that give round labels. */
  steps?: number[];
}

const HEIGHT_PX = 170;
/** At least a minute is shown, so that the first points do not jump. */
const MIN_SECONDS = 60;

export function Chart(props: Props) {
  const { title, at, series, summary } = props;
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  usePlot(place, props, setPointed);

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {series.length > 1 &&
          series.map(({ label }, index) => (
            <span key={label} class={`legend series-${index}`}>
              {label}
            </span>
          ))}
        <span class="chart-summary">{describePoint(pointed, at, props) || summary}</span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${title}: ${summary}`}>
        {series.map(({ label }, index) => (
          <i key={label} class={`series-${index}`} hidden />
        ))}
      </div>
    </figure>
  );
}

/** Draws into `place`: a new plot when the colours change, new data when there is a new point. */
function usePlot(
  place: { current: HTMLDivElement | null },
  props: Props,
  onPoint: (index: number | null) => void,
): void {
  const plot = useRef<uPlot | null>(null);
  const colours = colourChanges.value;
  const { at, series } = props;

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;

    const created = new uPlot(plotOptions(element, props, onPoint), [[], ...series.map(() => [])], element);
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);

    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [colours]);

  useEffect(() => {
    plot.current?.setData([[...at], ...series.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [at, colours]);
}

/** The values at the point under the pointer; '' when there is none. */
function describePoint(index: number | null, at: readonly number[], { series, format }: Props): string {
  const time = index === null ? undefined : at[index];
  if (index === null || time === undefined) return '';

  const values = series
    .map(({ values }) => values[index] ?? null)
    .map((value) => (value === null ? '–' : format(value)));
  return `${formatTime(new Date(time * 1000))}: ${values.join(', ')}`;
}

function plotOptions(
  element: HTMLElement,
  { series, format, range, steps }: Props,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  // uPlot draws on a canvas, which CSS does not reach: hidden elements tell the colours.
  const strokes = [...element.querySelectorAll('i')].map((probe) => getComputedStyle(probe).color);
  const axis = { stroke: style.color, font: `11px ${style.fontFamily}`, ticks: { show: false } };
  const grid = { stroke: style.borderTopColor, width: 1 };

  return {
    width: element.clientWidth || 300,
    height: HEIGHT_PX,
    // Room on the right for half a label of the time axis, below the last point.
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)] },
    scales: {
      x: { range: (plot: uPlot) => timeRange(plot.data[0]) },
      y: { range: range ?? ((_, min, max) => valueRange(min, max)) },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: '{HH}:{mm}:{ss}' },
      { ...axis, grid, size: 62, space: 34, values: (_, splits) => splits.map(format), ...(steps && { incrs: steps }) },
    ],
    series: [{}, ...series.map(({ label }, index) => lineOptions(label, index, strokes[index] ?? style.color))],
  };
}

/** The first series is the thicker line. A line of one or two points shows them. */
function lineOptions(label: string, index: number, stroke: string): uPlot.Series {
  return {
    label,
    stroke,
    width: index === 0 ? 1.75 : 1.25,
    points: { show: (plot: uPlot) => plot.data[0].length < 3 },
  };
}

function timeRange(at: ArrayLike<number>): [number, number] {
  const end = at[at.length - 1] ?? Date.now() / 1000;
  return [Math.min(at[0] ?? end, end - MIN_SECONDS), end];
}

/** From zero to somewhat above the largest value. */
function valueRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || max <= 0) return [0, 1];
  return [0, max * 1.2];
}
