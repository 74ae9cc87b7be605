import { Lab } from '../lab';
import { Proxy } from '../lab/proxy';

/** One figure, as `npm run bench:mesh` prints it. */
export function figure(name: string, value: number, unit = '', digits = 0): void {
  console.log(`${name}: ${value.toFixed(digits)}${unit && ` ${unit}`}`);
}

/** What a proxy holds. */
export interface Held {
  /** All of its dynamic configuration, as its admin interface writes it: JSON, some times larger than on the wire. */
  readonly bytes: number;
  readonly clusters: number;
  /** What its heap holds. */
  readonly memory: number;
}

export async function held(proxy: Proxy): Promise<Held> {
  const dump: { configs: any[] } = JSON.parse(await proxy.admin('/config_dump'));
  const pushed = dump.configs.filter((one) => !/BootstrapConfigDump|SecretsConfigDump/.test(one['@type']));
  const { allocated } = JSON.parse(await proxy.admin('/memory'));
  return {
    bytes: Buffer.byteLength(JSON.stringify(pushed)),
    clusters: dump.configs.flatMap((one) => one.dynamic_active_clusters ?? []).length,
    memory: Number(allocated),
  };
}

export function proxyOf(lab: Lab, id: string): Proxy {
  const proxy = lab.proxies.find(({ pod }) => pod.id === id);
  if (proxy === undefined)
    throw new Error(`no proxy is called ${id}: ${lab.proxies.map(({ pod }) => pod.id).join(', ')}`);
  return proxy;
}

/** How long something takes, in seconds. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e9;
}

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
}
