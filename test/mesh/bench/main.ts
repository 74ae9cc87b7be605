/**
 * `npm run bench:mesh [-- <part>…]`: what the constructs' objects cost in istiod and Envoy. Parts: `hosts`,
 * `namespaces`, `latency`; all by default. Numbers choose how many hosts: `hosts 1000`. One `name: value` a line. Sizes
 * are exact and repeatable; times depend on the machine and on what else it does, and only their ratios count.
 */
import { latencyAndThroughput } from './latency';
import { manyHosts, manyNamespaces } from './size';
import { NotPossible } from '../lab';

const PARTS: Record<string, (sizes?: number[]) => Promise<void>> = {
  hosts: manyHosts,
  namespaces: manyNamespaces,
  latency: latencyAndThroughput,
};

async function main(args: string[]): Promise<void> {
  const sizes = args.map(Number).filter(Number.isInteger);
  const wanted = args.filter((name) => !Number.isInteger(Number(name)));
  const unknown = wanted.filter((name) => !(name in PARTS));
  if (unknown.length > 0)
    throw new NotPossible(`unknown part "${unknown[0]}"; the parts are ${Object.keys(PARTS).join(', ')}`);
  const chosen = Object.entries(PARTS).filter(([name]) => wanted.length === 0 || wanted.includes(name));
  for (const [, part] of chosen) await part(sizes.length > 0 ? sizes : undefined);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error instanceof NotPossible ? error.message : error);
    process.exit(2);
  },
);
