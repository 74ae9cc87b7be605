import { IConstruct } from 'constructs';
import { valueIn } from '../values/grouping';

/** Keeps one thing for each app, garbage-collected with the app. The app is known by any construct in it. */
export function perApp<T>(make: (root: IConstruct) => T): (construct: IConstruct) => T {
  const made = new WeakMap<IConstruct, T>();
  return (construct) => valueIn(made, rootOf(construct), make);
}

/** Every object asks for it several times, and `node.root` lists all scopes on the way. */
function rootOf(construct: IConstruct): IConstruct {
  let root = construct;
  for (let scope = root.node.scope; scope !== undefined; scope = root.node.scope) root = scope;
  return root;
}

/** Keeps what an app declares, by its identity. */
export function perIdentity<T>(): (construct: IConstruct, identity: readonly unknown[], make: () => T) => T {
  const registry = perApp(() => new Map<string, T>());
  return (construct, identity, make) => valueIn(registry(construct), JSON.stringify(identity), make);
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
