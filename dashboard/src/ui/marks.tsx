// Marks of events over a chart: buttons at their times, whose text appears while they are pointed at or focused.
import { signal } from '@preact/signals';
import { formatTime } from '../lib/format';

export interface ChartMark {
  /** Seconds since 1970. */
  at: number;
  text: string;
  tone: 'plain' | 'bad';
}

/** The time of the mark that is pointed at, in seconds since 1970. All charts emphasise it. */
export const pointedMark = signal<number | null>(null);

/** Marks closer than this part of the range share a button. */
const GROUP_SHARE = 1 / 60;
const MAX_TEXTS = 6;

export function groupMarks(marks: readonly ChartMark[], [from, to]: readonly [number, number]): ChartMark[][] {
  const groups: ChartMark[][] = [];
  for (const mark of marks.filter(({ at }) => at >= from && at <= to)) {
    const last = groups.at(-1);
    const first = last?.[0];
    if (last && first && mark.at - first.at < (to - from) * GROUP_SHARE) last.push(mark);
    else groups.push([mark]);
  }
  return groups;
}

interface MarksProps {
  marks: readonly ChartMark[];
  range: readonly [number, number];
  /** Shows the time around a mark. */
  onZoom: ((from: number, to: number) => void) | undefined;
}

export function Marks({ marks, range, onZoom }: MarksProps) {
  return (
    <div class="marks">
      {groupMarks(marks, range).map((group) => (
        <MarkButton key={group[0]?.at} group={group} range={range} onZoom={onZoom} />
      ))}
    </div>
  );
}

/** Seconds before and after a mark that are shown when it is chosen. */
const AROUND_SECONDS = 900;

function MarkButton({ group, range: [from, to], onZoom }: Omit<MarksProps, 'marks'> & { group: readonly ChartMark[] }) {
  const at = group[0]?.at ?? 0;
  const share = (at - from) / (to - from);
  const texts = group.map((mark) => `${formatTime(new Date(mark.at * 1000))} ${mark.text}`);
  const tone = group.some((mark) => mark.tone === 'bad') ? 'bad' : 'plain';

  return (
    <button
      type="button"
      class={`mark ${tone}${share > 0.5 ? ' late' : ''}`}
      style={{ '--share': share }}
      aria-label={`${group.length > 1 ? `${group.length} changes: ` : ''}${texts.join('; ')}`}
      onClick={() => onZoom?.(at - AROUND_SECONDS, (group.at(-1)?.at ?? at) + AROUND_SECONDS)}
      onMouseEnter={() => (pointedMark.value = at)}
      onMouseLeave={() => (pointedMark.value = null)}
      onFocus={() => (pointedMark.value = at)}
      onBlur={() => (pointedMark.value = null)}
    >
      {group.length > 1 && group.length}
      <span class="mark-text" aria-hidden="true">
        {texts.slice(0, MAX_TEXTS).map((text, index) => (
          <span key={index}>{text}</span>
        ))}
        {texts.length > MAX_TEXTS && <span>and {texts.length - MAX_TEXTS} more</span>}
      </span>
    </button>
  );
}
