// A time series, drawn by uPlot in the colours and the width of its place, with a summary in words for screen readers.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatTime } from '../lib/format';
import { colourChanges } from '../state/settings';
import { type ChartMark, Marks, pointedMark } from './marks';
import { Name } from './name';
import { type Plotted, plotOptions } from './plot-options';

interface Props extends Plotted {
  title: string;
  /** Seconds since 1970, one for each value of each series. */
  at: readonly number[];
  summary: string;
  marks?: readonly ChartMark[];
  /** The marks can be pointed at and focused here. */
  hasMarkButtons?: boolean;
}

const HEIGHT_PX = 170;

export function Chart(props: Props) {
  const { title, at, series, summary, limit, marks = [], range } = props;
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
              <Name text={label} />
            </span>
          ))}
        {limit && <span class="legend limit">{limit.label}</span>}
        <span class="chart-summary">{describePoint(pointed, at, props) || summary}</span>
      </figcaption>
      <div class="plot-area">
        <div ref={place} class="plot" role="img" aria-label={`${title}: ${summary}`}>
          {series.map(({ label }, index) => (
            <i key={label} class={`series-${index}`} hidden />
          ))}
          <i class="limit" hidden />
          <i class="mark-line" hidden />
        </div>
        {props.hasMarkButtons && range && <Marks marks={marks} range={range} onZoom={props.onZoom} />}
      </div>
    </figure>
  );
}

/** Draws into `place`: a new plot when the colours, the series or the kind of range change, new data when there is a new point. */
function usePlot(
  place: { current: HTMLDivElement | null },
  props: Props,
  onPoint: (index: number | null) => void,
): void {
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const colours = colourChanges.value;
  const pointed = pointedMark.value;
  const { at, series, marks, limit, dates } = props;
  const labels = series.map(({ label }) => label).join();

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;

    const options = plotOptions(element, HEIGHT_PX, () => latest.current, onPoint);
    const created = new uPlot(options, [[], ...series.map(() => [])], element);
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);

    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [colours, dates, labels]);

  useEffect(() => {
    plot.current?.setData([[...at], ...series.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [at, colours, dates, labels, limit?.value]);
  useEffect(() => plot.current?.redraw(false), [marks, pointed]);
}

/** The values at the point under the pointer, with their names when there are several; '' when there is none. */
function describePoint(index: number | null, at: readonly number[], { series, format }: Props): string {
  const time = index === null ? undefined : at[index];
  if (index === null || time === undefined) return '';

  const values = series.map(({ label, values }) => {
    const value = values[index] ?? null;
    const text = value === null ? '–' : format(value);
    return series.length > 1 ? `${label} ${text}` : text;
  });
  return `${formatTime(new Date(time * 1000))}: ${values.join(', ')}`;
}
