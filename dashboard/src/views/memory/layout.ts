// The places of a treemap's tiles, in percent of its area.
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';

export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Smaller tiles could not be pointed at: each has at least this share of the area. */
const LEAST_SHARE = 0.004;

/** The place of each size in an area of these proportions, width by height. */
export function placesOf(sizes: readonly number[], proportions: number): Place[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= 0) return [];

  const least = total * LEAST_SHARE;
  const root = hierarchy<{ size: number; children?: { size: number }[] }>({
    size: 0,
    children: sizes.map((size) => ({ size: Math.max(size, least) })),
  }).sum(({ size }) => size);
  const laidOut = treemap<{ size: number }>().tile(treemapSquarify).size([proportions, 1])(root);

  return (laidOut.children ?? []).map(({ x0, x1, y0, y1 }) => ({
    left: (x0 / proportions) * 100,
    top: y0 * 100,
    width: ((x1 - x0) / proportions) * 100,
    height: (y1 - y0) * 100,
  }));
}
