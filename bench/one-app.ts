/**
 * One app with many hosts, built and synthesised once: `node <this file, compiled> <variant> <hosts> <folder>`. Prints the
 * CPU time in milliseconds, without that of loading the library. `synth.ts` runs it.
 */
import { createRequire } from 'module';
import { App, Chart } from 'cdk8s';
import { byConstructs } from './by-constructs';
import { writtenByHand, Written } from './by-hand';

const [variant, count, outdir] = process.argv.slice(2);
const compiled = createRequire(`${process.cwd()}/lib/`);
const VARIANTS: Record<string, () => (chart: Chart, hosts: string[]) => void> = { constructs, classes };

function constructs() {
  const library: typeof import('../src') = compiled('./src');
  return (chart: Chart, hosts: string[]) => byConstructs(library, chart, hosts);
}

/** In the order of the constructs: the DestinationRules of the gateway, its other objects, then the caller side. */
function classes() {
  const generated = compiled('./imports/networking.istio.io');
  return (chart: Chart, hosts: string[]) => {
    const written = hosts.map((host) => writtenByHand(host, 'payments/partners'));
    // Ids with letters, as users write them: V8's dictionaries are faster with integer keys, which no user's ids are.
    const add = ({ kind, metadata, spec }: Written) =>
      new generated[kind](chart, `${kind}-${metadata.namespace}-${metadata.name}`, { metadata, spec });
    for (const { rule } of written) add(rule);
    for (const { gateway } of written) gateway.forEach(add);
    for (const { caller } of written) caller.forEach(add);
  };
}

const hosts = Array.from({ length: Number(count) }, (_, index) => `host-${index}.example.com`);
const build = VARIANTS[variant]();
const start = process.cpuUsage();
const app = new App({ outdir });
build(new Chart(app, 'payments', { namespace: 'payments' }), hosts);
app.synth();
const { user, system } = process.cpuUsage(start);
console.log((user + system) / 1e3);
