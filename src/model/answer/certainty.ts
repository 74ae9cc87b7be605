/** Whether something holds; `undefined` where the manifests do not tell. */
export type Certainty = boolean | undefined;

/** Unknown only if no other part decides. */
export function both(a: Certainty, b: Certainty): Certainty {
  return a === false || b === false ? false : a === undefined || b === undefined ? undefined : true;
}

/** Whether the test holds for one of the items: unknown only if it holds for none of the others. */
export function someOf<T>(items: readonly T[], test: (item: T, index: number) => Certainty): Certainty {
  let found: Certainty = false;
  for (let index = 0; index < items.length; index++) {
    const holds = test(items[index], index);
    if (holds) return true;
    if (holds === undefined) found = undefined;
  }
  return found;
}

export function not(holds: Certainty): Certainty {
  return holds === undefined ? undefined : !holds;
}
