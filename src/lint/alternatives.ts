import * as path from 'path';
import { isIn } from './worlds';
import { Manifest } from '../manifests/egress-object';
import { specOf } from '../manifests/specs';
import { ReadObject } from '../reading/read-object';
import { valueIn } from '../values/grouping';

/**
 * Variants of one application in sibling folders, of which a cluster has one: both declare and route the same hosts, more
 * than one, in the same namespace under other names. What conflicts between them meets nowhere.
 */
export class Alternatives {
  private readonly subjects = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
  private readonly known = new Map<string, boolean>();

  /** Folders that were named one by one are meant to be judged together. */
  constructor(
    private readonly objects: readonly ReadObject[],
    private readonly named: readonly string[] = [],
  ) {}

  /** The two folders, if files are of alternatives, one of each. */
  public between(files: readonly string[]): readonly [string, string] | undefined {
    if (files.length !== 2) return undefined;
    const parts = partsOf(files[0], files[1]);
    return parts && this.areAlternatives(...parts) ? parts : undefined;
  }

  private areAlternatives(a: string, b: string): boolean {
    return valueIn(this.known, `${a}\n${b}`, () => {
      const isNamed = (part: string) => this.named.some((one) => part === path.normalize(one) || isIn(one, part));
      const [one, other] = [this.subjectsOf(a), this.subjectsOf(b)];
      const shared = [...one].filter(([subject]) => other.has(subject));
      return (
        one.size === other.size &&
        shared.length === one.size &&
        new Set(shared.map(([subject]) => subject.split(' ')[1])).size >= 2 &&
        shared.some(([subject, namespaces]) => [...namespaces].some((name) => other.get(subject)!.has(name))) &&
        !(isNamed(a) && isNamed(b))
      );
    });
  }

  /** What a folder routes or declares, as kind and host, with the namespaces. */
  private subjectsOf(folder: string): ReadonlyMap<string, ReadonlySet<string>> {
    return valueIn(this.subjects, folder, () => {
      const subjects = new Map<string, Set<string>>();
      for (const { manifest, place } of this.objects)
        if (isIn(place.file, folder))
          for (const host of hostsOf(manifest))
            valueIn(subjects, `${manifest.kind} ${host}`, () => new Set()).add(
              manifest.metadata.namespace ?? 'default',
            );
      return subjects;
    });
  }
}

function hostsOf(manifest: Manifest): readonly string[] {
  const hosts = (specOf(manifest, 'ServiceEntry') ?? specOf(manifest, 'VirtualService'))?.hosts;
  const host = specOf(manifest, 'DestinationRule')?.host;
  return [...(Array.isArray(hosts) ? hosts : []), host].filter((one) => typeof one === 'string');
}

/** The two folders, right below the last one in common, that files are in. */
function partsOf(a: string, b: string): readonly [string, string] | undefined {
  const [one, other] = [a, b].map((file) => path.normalize(path.dirname(file)).split(path.sep));
  const at = one.findIndex((step, index) => step !== other[index]);
  if (at < 0 || at >= other.length) return undefined;
  return [one, other].map((steps) => steps.slice(0, at + 1).join(path.sep)).sort() as [string, string];
}
