// The options of a plot: its axes and lines, the limit, the marks, and a cursor that all plots of the page share.
import type uPlot from 'uplot';
import { type ChartMark, pointedMark } from './marks';

export interface Series {
  label: string;
  values: readonly (number | null)[];
}

export interface Plotted {
  series: readonly Series[];
  format: (value: number) => string;
  /** The vertical range; by default from zero to the largest value. */
  values?: [number, number];
  /** Steps of the vertical axis that give round labels. */
  steps?: number[];
  /** The horizontal range in seconds since 1970; by default that of the points, at least a minute. */
  range?: readonly [number, number];
  /** The horizontal axis has dates instead of times. */
  dates?: boolean;
  /** A value that the figure should not pass. */
  limit?: { value: number; label: string } | undefined;
  marks?: readonly ChartMark[];
  /** Shows a part of the horizontal range, which is chosen by dragging, or around a mark. In seconds since 1970. */
  onZoom?: (from: number, to: number) => void;
}

/** At least a minute is shown, so that the first points do not jump. */
const MIN_SECONDS = 60;
const DAY = 86_400;
const MARK_DASH = [3, 4];
const LIMIT_DASH = [6, 4];

/** `latest` returns the current properties: a plot outlives many of them. */
export function plotOptions(
  element: HTMLElement,
  height: number,
  latest: () => Plotted,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  // uPlot draws on a canvas, which CSS does not reach: hidden elements have the colours.
  const colourOf = (probe: string): string => getComputedStyle(element.querySelector(`i.${probe}`) ?? element).color;
  const axis = { stroke: style.color, font: `11px ${style.fontFamily}`, ticks: { show: false } };
  const grid = { stroke: style.borderTopColor, width: 1 };
  const { series, steps, dates } = latest();

  return {
    width: element.clientWidth || 300,
    height,
    // Room on the right for half a label of the time axis, below the last point.
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: latest().onZoom !== undefined, y: false, setScale: false },
      sync: { key: 'page', scales: ['x', null] },
    },
    hooks: {
      setSelect: [(plot) => zoomTo(plot, latest().onZoom)],
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
      draw: [
        (plot) => drawLimit(plot, latest().limit?.value, colourOf('limit')),
        (plot) => drawMarks(plot, latest().marks ?? [], colourOf('mark-line')),
      ],
    },
    scales: {
      x: { range: (plot: uPlot) => timeRange(plot.data[0], latest().range) },
      y: {
        range: (_: uPlot, min: number, max: number) => latest().values ?? valueRange(min, max, latest().limit?.value),
      },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, ...timeLabels(latest().range, dates === true) },
      {
        ...axis,
        grid,
        size: 62,
        space: 34,
        values: (_, splits) => splits.map(latest().format),
        ...(steps && { incrs: steps }),
      },
    ],
    series: [{}, ...series.map(({ label }, index) => lineOptions(label, index, colourOf(`series-${index}`)))],
  };
}

/** Shorter drags are clicks. */
const MIN_DRAG_PX = 8;

function zoomTo(plot: uPlot, onZoom: Plotted['onZoom']): void {
  const { left, width } = plot.select;
  if (width < MIN_DRAG_PX) return;

  const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom?.(from, to);
}

function timeLabels(range: Plotted['range'], dates: boolean): Partial<uPlot.Axis> {
  if (dates) return { values: '{MMM} {D}', incrs: [DAY, 2 * DAY, 5 * DAY, 10 * DAY] };
  return { values: range === undefined ? '{HH}:{mm}:{ss}' : '{HH}:{mm}' };
}

/** The first series is the thicker line. Points to which no line leads are shown. */
function lineOptions(label: string, index: number, stroke: string): uPlot.Series {
  return {
    label,
    stroke,
    width: index === 0 ? 1.75 : 1.25,
    points: {
      size: 4,
      show: (plot: uPlot) => plot.data[0].length < 3,
      filter: (plot: uPlot, at: number, isShown: boolean) => (isShown ? null : lonePoints(plot.data[at] ?? [])),
    },
  };
}

/** The points without a neighbour, to which no line leads. */
function lonePoints(values: ArrayLike<number | null | undefined>): number[] {
  return Array.from(values, (_, index) => index).filter(
    (index) => values[index] != null && values[index - 1] == null && values[index + 1] == null,
  );
}

function timeRange(at: ArrayLike<number>, range: Plotted['range']): [number, number] {
  if (range !== undefined) return [range[0], range[1]];
  const end = at[at.length - 1] ?? Date.now() / 1000;
  return [Math.min(at[0] ?? end, end - MIN_SECONDS), end];
}

/** A limit is shown from this share of it on; further away it would flatten the line. */
const NEAR_LIMIT = 0.4;

/** From zero to somewhat above the largest value, and above the limit when that is near. */
function valueRange(min: number | null, max: number | null, limit: number | undefined): [number, number] {
  if (min === null || max === null || max <= 0) return [0, 1];
  const top = limit !== undefined && max > limit * NEAR_LIMIT ? Math.max(max, limit) : max;
  return [0, top * 1.2];
}

function drawLimit(plot: uPlot, limit: number | undefined, colour: string): void {
  const top = plot.scales['y']?.max ?? 0;
  if (limit === undefined || limit > top) return;
  const y = Math.round(plot.valToPos(limit, 'y', true));
  const { left, width } = plot.bbox;
  drawLine(plot, [left, y], [left + width, y], colour, LIMIT_DASH);
}

function drawMarks(plot: uPlot, marks: readonly ChartMark[], colour: string): void {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const { top, height } = plot.bbox;

  for (const { at } of marks) {
    if (at < min || at > max) continue;
    const x = Math.round(plot.valToPos(at, 'x', true));
    drawLine(plot, [x, top], [x, top + height], colour, at === pointedMark.peek() ? [] : MARK_DASH);
  }
}

function drawLine(
  { ctx }: uPlot,
  [fromX, fromY]: [number, number],
  [toX, toY]: [number, number],
  colour: string,
  dash: number[],
): void {
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = dash.length === 0 ? 2 : 1;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(fromX, fromY);
  ctx.lineTo(toX, toY);
  ctx.stroke();
  ctx.restore();
}
