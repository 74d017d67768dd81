import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, '../src');
/** The folders of src from the bottom up. A file imports from its own folder and from those before it. */
const LAYERS = ['lib', 'api', 'state', 'ui', 'views'];

type Imports = ReadonlyMap<string, readonly string[]>;

/** Every module of src, by its path without the extension, with the modules of src that it imports. */
function importsOfSource(): Imports {
  const paths = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?<!\.d)\.tsx?$/.test(path),
  );
  const modules = new Set(paths.map((path) => path.replace(/\.tsx?$/, '')));

  return new Map(
    paths.map((path) => [path.replace(/\.tsx?$/, ''), importsOf(path).filter((imported) => modules.has(imported))]),
  );
}

/** The modules that a file names, imports of types included. */
function importsOf(path: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(SOURCE, path), 'utf8'));
  const local = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));

  return local.flatMap((name) => {
    const target = relative(SOURCE, join(SOURCE, dirname(path), name));
    return [target, join(target, 'index')];
  });
}

/** The first circle found, as the path that leads from a module back to it; empty when there is none. */
function circleIn(imports: Imports): string[] {
  const finished = new Set<string>();

  const follow = (module: string, path: readonly string[]): string[] => {
    const start = path.indexOf(module);
    if (start >= 0) return [...path.slice(start), module];
    if (finished.has(module)) return [];

    for (const imported of imports.get(module) ?? []) {
      const circle = follow(imported, [...path, module]);
      if (circle.length > 0) return circle;
    }
    finished.add(module);
    return [];
  };

  for (const module of imports.keys()) {
    const circle = follow(module, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

describe('imports', () => {
  test('no two modules of src import each other, directly or through others', () => {
    expect(circleIn(importsOfSource()).join(' -> ')).toBe('');
  });

  test('a folder of src imports only from the folders below it', () => {
    const layer = (module: string): number => {
      const index = LAYERS.indexOf(module.split('/')[0] ?? '');
      return index < 0 ? LAYERS.length : index;
    };

    const upward = [...importsOfSource()].flatMap(([module, imported]) =>
      imported.filter((target) => layer(target) > layer(module)).map((target) => `${module} -> ${target}`),
    );

    expect(upward).toEqual([]);
  });

  test('every file of src is read, and its imports are found', () => {
    const imports = importsOfSource();

    expect(imports.get('main')).toContain('app');
    expect(imports.get('app')).toContain('views/keys/index');
    expect(imports.get('api/endpoints')).toContain('api/types');
  });
});

describe('the search for circles', () => {
  test('a circle of two is found', () => {
    const imports = new Map([
      ['client', ['session']],
      ['session', ['client']],
    ]);

    expect(circleIn(imports)).toEqual(['client', 'session', 'client']);
  });

  test('a circle behind a way in is found, without the way in', () => {
    const imports = new Map([
      ['main', ['a']],
      ['a', ['b', 'c']],
      ['b', []],
      ['c', ['d']],
      ['d', ['a']],
    ]);

    expect(circleIn(imports)).toEqual(['a', 'c', 'd', 'a']);
  });

  test('two ways to one module are not a circle', () => {
    const imports = new Map([
      ['main', ['a', 'b']],
      ['a', ['c']],
      ['b', ['c']],
      ['c', []],
    ]);

    expect(circleIn(imports)).toEqual([]);
  });
});
