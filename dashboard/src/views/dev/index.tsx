// Tools for developers, shown with `?dev` in the address or with the switch in the header.
import { useEffect } from 'preact/hooks';
import { dropPreview } from '../clear/store';
import { watchWarmups } from '../warmup/store';
import { Calls } from './calls';
import { ClearByModule } from './clear-by-module';
import { ForceWarmup } from './force-warmup';
import { Inspector } from './inspector';

export function DevTools() {
  useEffect(() => {
    dropPreview();
    return dropPreview;
  }, []);
  useEffect(watchWarmups, []);

  return (
    <div class="dev">
      <div class="view-head">
        <h1>DevTools</h1>
        <span class="muted">For developers of services that use this cache. The same roles and rules apply.</span>
      </div>
      <Inspector />
      <div class="pair">
        <ClearByModule />
        <ForceWarmup />
      </div>
      <Calls />
    </div>
  );
}
