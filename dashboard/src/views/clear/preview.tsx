// The preview of a removal: its effect and some of its keys, above the form that carries it out.
import { useRef } from 'preact/hooks';
import { formatCount, formatMilliseconds, formatNumber } from '../../lib/format';
import { Name } from '../../ui/name';
import { Names } from '../../ui/names';
import { SampleKeys } from '../../ui/sample-keys';
import { useFocusReturn } from '../../ui/use-focus-return';
import { ConfirmForm } from './confirm';
import { describeEffect, patternsMeant } from './effect';
import { FUTURE, modeFor } from './mode';
import { type Preview, SAMPLE_KEYS } from './removal';
import type { Selection } from './selection';

interface Props {
  preview: Preview;
  /** Selects by another pattern. Without it, none is offered. */
  onPattern?: (pattern: string) => void;
}

export function PreviewPanel({ preview, onPattern }: Props) {
  const panel = useRef<HTMLElement>(null);
  useFocusReturn(panel);
  const effect = describeEffect(preview);

  return (
    <section class="preview" aria-label="Preview" ref={panel}>
      <h2>
        {formatCount(preview.count, 'key')} {FUTURE[modeFor(preview)]}{' '}
        <span class="muted">found in {formatMilliseconds(preview.durationMs)}</span>
      </h2>
      {preview.count > 0 && effect !== '' && <p class="num">{effect}</p>}
      {preview.count === 0 && onPattern && <MeantPatterns selection={preview.selection} onPattern={onPattern} />}
      {preview.missing.length > 0 && (
        <p class="muted">
          Not in the cache: <Names names={preview.missing} max={SAMPLE_KEYS} />
        </p>
      )}
      {preview.tagCounts.map(([tag, keys]) => (
        <p key={tag} class="muted">
          <Name text={tag} whole />: {formatCount(keys, 'key')}
        </p>
      ))}
      {preview.remarks.map((remark) => (
        <p key={remark} class="muted">
          {remark}
        </p>
      ))}
      <Prefixes preview={preview} />
      {preview.sample.length > 0 && <Sample preview={preview} />}
      <ConfirmForm preview={preview} />
    </section>
  );
}

function MeantPatterns({ selection, onPattern }: { selection: Selection; onPattern: (pattern: string) => void }) {
  const patterns = selection.by === 'pattern' ? patternsMeant(selection.text) : [];
  if (patterns.length === 0) return null;

  return (
    <p class="row">
      Without a wildcard, a pattern matches the key of exactly this name. Did you mean
      {patterns.map((pattern) => (
        <button key={pattern} type="button" class="button small mono" onClick={() => onPattern(pattern)}>
          <Name text={pattern} whole />
        </button>
      ))}
    </p>
  );
}

/** The share of each prefix among some of the keys; nothing when all have the same. */
function Prefixes({ preview: { prefixes, count } }: { preview: Preview }) {
  if (count === 0 || prefixes.length < 2) return null;

  return (
    <ul class="prefixes" aria-label="Prefixes of the keys">
      {prefixes.map(({ prefix, share }) => (
        <li key={prefix}>
          <span class="mono">
            <Name text={prefix} />
          </span>
          <span class="num muted">about {Math.round(share * 100)} %</span>
        </li>
      ))}
    </ul>
  );
}

function Sample({ preview: { sample, count } }: { preview: Preview }) {
  return (
    <>
      <h3>{sample.length < count ? `${sample.length} of ${formatNumber(count)}` : 'All of them'}</h3>
      <SampleKeys keys={sample} />
    </>
  );
}
