/**
 * How fast requests are explained in a world of 2,000 gateway hosts: `node <this file, compiled> [--check]`. It measures
 * three things separately: reading the YAML, building the model from the parsed objects, and asking it. With `--check`
 * it exits with 1 if a promise is broken. `explain.ts` runs it.
 */
import { createRequire } from 'module';
import { App, Chart, Yaml } from 'cdk8s';
import { parseAllDocuments } from 'yaml';

const compiled = createRequire(`${process.cwd()}/lib/`);
const { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, TlsOrigination }: typeof import('../src') =
  compiled('./src');
const { EgressModel, smallestChange }: typeof import('../src/explain') = compiled('./src/explain');

const HOSTS = 2000;
const NAMESPACES = 40;
const REQUESTS = 20_000;
const PROMISED_PER_SECOND = 10_000;
const PROMISED_BUILD_MS = 1000;

const hostName = (namespace: number, host: number) => `h${host}.n${namespace}.example.com`;
// CPU time of this process only, so that other load on the machine does not count.
const start = () => process.cpuUsage();
const milliseconds = (since: NodeJS.CpuUsage) => (process.cpuUsage(since).user + process.cpuUsage(since).system) / 1000;

function manifests(): any[] {
  const app = new App();
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  const gateway = new InstalledEgressGateway(platform, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  for (let namespace = 0; namespace < NAMESPACES; namespace++) {
    const chart = new Chart(app, `team${namespace}`, { namespace: `team${namespace}` });
    const hosts = Array.from({ length: HOSTS / NAMESPACES }, (_, host) => hostName(namespace, host));
    const egress = new GatewayEgress(chart, 'sites', {
      gateway,
      hosts,
      callers: [Caller.serviceAccount(`team${namespace}`, 'app')],
    });
    new TlsOrigination(chart, 'tls', { egress });
  }
  return app.charts.flatMap((chart) => chart.toJson());
}

function main() {
  const objects = manifests();
  const text = Yaml.stringify(...objects);
  const parsing = start();
  const parsed = parseAllDocuments(text).map((document) => document.toJS());
  const parsingMs = milliseconds(parsing);

  const building = start();
  const read = parsed.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` }));
  const world = { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const } };
  const model = EgressModel.of(read, world);
  // The model configures a proxy when it is first asked about, so the first requests of each namespace count as
  // building.
  for (let namespace = 0; namespace < NAMESPACES; namespace++) {
    for (const scheme of ['http', 'https']) {
      model.ask(
        { namespace: `team${namespace}`, serviceAccount: 'app' },
        { url: `${scheme}://${hostName(namespace, 0)}/` },
      );
    }
  }
  const buildingMs = milliseconds(building);

  const outcomes = new Map<string, number>();
  const asking = start();
  for (let request = 0; request < REQUESTS; request++) {
    const namespace = request % NAMESPACES;
    const scheme = request % 2 === 0 ? 'http' : 'https';
    const serviceAccount = request % 5 === 4 ? 'stranger' : 'app';
    const { outcome, by } = model.ask(
      { namespace: `team${namespace}`, serviceAccount },
      { url: `${scheme}://${hostName(namespace, Math.floor(request / NAMESPACES) % (HOSTS / NAMESPACES))}/` },
    );
    const key = by ? `${outcome} by ${by}` : outcome;
    outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  }
  const perSecond = (REQUESTS / milliseconds(asking)) * 1000;

  console.log(
    `${HOSTS} gateway hosts in ${NAMESPACES} namespaces: ${objects.length} objects, ` +
      `${(text.length / 1e6).toFixed(1)} MB of YAML`,
  );
  console.log(`reading the YAML     ${parsingMs.toFixed(0)} ms`);
  console.log(
    `building the model   ${buildingMs.toFixed(0)} ms, including the proxies of every namespace and the gateway`,
  );
  console.log(
    `explained requests   ${Math.round(perSecond)} per second ` +
      `(${[...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ')})`,
  );
  for (const [url, serviceAccount] of [
    ['http://undeclared.example.com/', 'app'],
    [`http://${hostName(0, 0)}/`, 'stranger'],
  ]) {
    const caller = { namespace: 'team0', serviceAccount };
    const proposing = start();
    const change = smallestChange(model, caller, { url }, model.ask(caller, { url }));
    console.log(
      `proposing a change   ${milliseconds(proposing).toFixed(0)} ms for ${serviceAccount} to ${url}: ` +
        `${change ? change.text.split('\n')[0].slice(0, 60) : 'none'} …`,
    );
  }
  if (process.argv.includes('--check') && (perSecond < PROMISED_PER_SECOND || buildingMs > PROMISED_BUILD_MS)) {
    console.error(
      `promised: at least ${PROMISED_PER_SECOND} requests per second, and a model in at most ${PROMISED_BUILD_MS} ms`,
    );
    process.exitCode = 1;
  }
}

main();
