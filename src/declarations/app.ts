import { IConstruct } from 'constructs';

/** Keeps one thing for each app, garbage-collected with the app. The app is known by any construct in it. */
export function perApp<T>(make: (root: IConstruct) => T): (construct: IConstruct) => T {
  const made = new WeakMap<IConstruct, T>();
  return ({ node: { root } }) => {
    let one = made.get(root);
    if (one === undefined) {
      one = make(root);
      made.set(root, one);
    }
    return one;
  };
}

/** Keeps what an app declares, by its identity. */
export function perIdentity<T>(): (construct: IConstruct, identity: readonly unknown[], make: () => T) => T {
  const registry = perApp(() => new Map<string, T>());
  return (construct, identity, make) => {
    const [known, key] = [registry(construct), JSON.stringify(identity)];
    let one = known.get(key);
    if (one === undefined) {
      one = make();
      known.set(key, one);
    }
    return one;
  };
}

const changes = perApp(() => ({ count: 0 }));

/** Records that something which was declared before has changed. */
export function touch(construct: IConstruct): void {
  changes(construct).count++;
}

/** A count that grows with every change. */
export function changeCount(construct: IConstruct): number {
  return changes(construct).count;
}
