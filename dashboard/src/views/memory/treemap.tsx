// A treemap of the parts of a prefix: the area is the memory, the shade the share of keys without a TTL. The arrow keys move.
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatBytes, formatPercent } from '../../lib/format';
import { navigate } from '../../state/route';
import { Name } from '../../ui/name';
import { formatEstimate, formatKeys } from './figures';
import type { Part } from './groups';
import { type Place, placesOf } from './layout';

const HEIGHT_PX = 300;

export function Treemap({ parts }: { parts: readonly Part[] }) {
  const area = useRef<HTMLDivElement>(null);
  const width = useWidth(area);
  const [active, setActive] = useState(0);
  const places = placesOf(
    parts.map(({ bytes }) => bytes),
    (width || 1000) / HEIGHT_PX,
  );
  const current = Math.min(active, parts.length - 1);

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = tileAfterKey(event.key, current, places);
    if (target === null) return;
    event.preventDefault();
    setActive(target);
    area.current?.querySelectorAll<HTMLElement>('.tile')[target]?.focus();
  };

  return (
    <div
      class="treemap"
      role="group"
      aria-label="Memory by prefix"
      ref={area}
      style={{ height: `${HEIGHT_PX}px` }}
      onKeyDown={onKeyDown}
    >
      {parts.map((part, index) => (
        <Tile
          key={part.label}
          part={part}
          place={places[index]}
          width={width}
          isActive={index === current}
          onFocus={() => setActive(index)}
        />
      ))}
    </div>
  );
}

/** The width of an element in pixels; 0 until it is measured. */
function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);

  useEffect(() => {
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

const DIRECTIONS: Record<string, readonly [x: number, y: number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

/** The nearest tile in the direction of an arrow key; null when there is none, and for other keys. */
export function tileAfterKey(key: string, from: number, places: readonly Place[]): number | null {
  const direction = DIRECTIONS[key];
  const start = places[from];
  if (direction === undefined || start === undefined) return null;
  const [x, y] = direction;

  const distances = places.map((place, index) => {
    const byX = place.left + place.width / 2 - (start.left + start.width / 2);
    const byY = place.top + place.height / 2 - (start.top + start.height / 2);
    const ahead = byX * x + byY * y;
    const aside = Math.abs(byX * y) + Math.abs(byY * x);
    return { index, isAhead: index !== from && ahead > 0.1, distance: ahead + 2 * aside };
  });

  const nearest = distances.filter(({ isAhead }) => isAhead).sort((one, other) => one.distance - other.distance)[0];
  return nearest?.index ?? null;
}

/** A line of text in a tile, the padding around the text, and about a character of a name, in pixels. */
const LINE_PX = 16;
const PADDING_PX = { x: 14, y: 4 };
const CHARACTER_PX = 6.7;
/** A name that is cut off says something from so many characters on, and figures do. */
const LEAST_CHARACTERS = 4;
const FIGURES_CHARACTERS = 10;

/** The lines of text that fit into a tile of this size: none, the name, or the name and its figures. */
export function linesThatFit(label: string, width: number, height: number): number {
  const characters = (width - PADDING_PX.x) / CHARACTER_PX;
  if (characters < Math.min(label.length, LEAST_CHARACTERS)) return 0;
  const lines = Math.floor((height - PADDING_PX.y) / LINE_PX);
  return Math.max(0, Math.min(characters < FIGURES_CHARACTERS ? 1 : 2, lines));
}

interface TileProps {
  part: Part;
  place: Place | undefined;
  /** The width of the treemap in pixels. */
  width: number;
  /** Tab reaches the tile. */
  isActive: boolean;
  onFocus: () => void;
}

function Tile({ part, place, width, isActive, onFocus }: TileProps) {
  if (place === undefined) return null;
  const { group, label, bytes, keys, share, withoutTtlShare } = part;
  const noTtl = withoutTtlShare === null ? '' : `, ${formatPercent(withoutTtlShare)} without a TTL`;
  const memory = group === null ? formatBytes(Math.round(bytes)) : formatEstimate(group.bytes, formatBytes);
  const text = `${label}: ${memory}, ${formatPercent(share)}, ${formatKeys(keys)} keys${noTtl}`;
  const lines = linesThatFit(label, (place.width / 100) * width, (place.height / 100) * HEIGHT_PX);

  return (
    <button
      type="button"
      class={`tile${group === null ? ' rest' : ''}`}
      title={text}
      aria-disabled={group === null}
      tabIndex={isActive ? 0 : -1}
      style={{
        left: `${place.left}%`,
        top: `${place.top}%`,
        width: `${place.width}%`,
        height: `${place.height}%`,
        '--no-ttl': withoutTtlShare ?? 0,
      }}
      onFocus={onFocus}
      onClick={() => group && navigate('memory', { prefix: group.prefix })}
    >
      <span class="hidden">{text}</span>
      {lines > 0 && (
        <span class="tile-text" aria-hidden="true">
          <span class="mono">
            <Name text={label} />
          </span>
          {lines > 1 && (
            <span class="num">
              {formatBytes(Math.round(bytes))} · {formatPercent(share)}
            </span>
          )}
        </span>
      )}
    </button>
  );
}
