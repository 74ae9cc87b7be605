import { parse } from 'yaml';
import { examples, golden, objectsIn } from '../../examples/examples';
import { Change, smallestChange } from '../../src/explain';
import { yamlLines } from '../../src/explain/yaml-lines';
import { Manifest } from '../../src/manifests/egress-object';
import { EgressModel, worldOf } from '../../src/model';
import { brokenConfigurations } from '../model/broken';
import { admissionProblems } from '../support/admission';

const known = new Map<string, (Change | undefined)[]>();

/** The changes proposed for the refused requests of a broken configuration. */
function proposals(name: string): (Change | undefined)[] {
  const found = known.get(name) ?? propose(name);
  known.set(name, found);
  return found;
}

function propose(name: string): (Change | undefined)[] {
  const { objects, table, requests } = brokenConfigurations().find((broken) => broken.name === name)!;
  const world = worldOf(table);
  const all = objects.map((manifest, index) => ({ manifest, origin: `document ${index + 2}` }));
  return requests.flatMap((row) => {
    const caller = table.callers.find((one) => one.name === row.from)!;
    const request = { ...row, url: row.request };
    const model = EgressModel.of(all, world);
    const answer = model.ask(caller, request);
    return answer.outcome === 'refused' ? [smallestChange(model, caller, request, answer)] : [];
  });
}

test.each([
  ['http-on-443', 'ServiceEntry shop/api: set spec.ports[0].protocol to "TLS"'],
  [
    'sidecar-hosts-name-the-namespace-of-the-entry',
    'Sidecar shop/default: add "other/www.example.com" to spec.egress[0].hosts',
  ],
  [
    'sni-of-another-name',
    'DestinationRule egress/hop: set spec.subsets[0].trafficPolicy.portLevelSettings[0].tls.sni to "api.example.com"',
  ],
  ['hop-rule-in-one-namespace', 'DestinationRule shop/hop: move it to namespace egress, where its Service is'],
])('%s is mended by one change, verified by the model', (name, text) => {
  const found = proposals(name);
  expect(found.map((change) => change?.text)).toEqual(found.map(() => text));
  for (const change of found) expect(change?.answer.outcome).toBe('answered');
});

test('what would break another request is not proposed: here the other host behind the same server', () => {
  expect(proposals('two-hosts-in-one-server')).toEqual([undefined]);
});

test('what else changes is said', () => {
  expect(proposals('http-on-443')[0]?.also).toEqual([
    'the same request of any other account of shop and any other namespace is then answered as well',
    'also changes http://api.example.com:443/ of shop/checkout, any other account of shop and any other namespace: ' +
      'then refused by the sidecar: connection closed (curl 52 or 56)',
  ]);
});

test('what is proposed is admitted', () => {
  const found = brokenConfigurations().flatMap(({ name }) => proposals(name).flatMap((change) => change ?? []));
  expect(found.length).toBeGreaterThan(8);
  for (const { objects } of found) expect(objects.flatMap(({ manifest }) => admissionProblems(manifest))).toEqual([]);
});

test('a DENY is never removed', () => {
  const found = brokenConfigurations().flatMap(({ name }) => proposals(name));
  expect(found.filter((change) => /AuthorizationPolicy .*: remove/.test(change?.text ?? ''))).toEqual([]);
});

test('no change sends a request round its gateway, and none loses TLS without saying so', () => {
  for (const { name } of brokenConfigurations()) {
    for (const change of proposals(name)) {
      if (!change || change.text.includes('this weakens')) continue;
      expect({
        name,
        remarks: change.answer.remarks
          .map(({ code }) => code)
          .filter((code) => code === 'ignored-credential' || code === 'unverified-name'),
      }).toEqual({ name, remarks: [] });
    }
  }
});

describe('an entry that sends HTTP to port 443, without TLS origination', () => {
  const entry = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'edition', namespace: 'shop' },
    spec: {
      hosts: ['edition.cnn.com'],
      exportTo: ['.', 'billing'],
      resolution: 'DNS',
      ports: [
        { number: 80, name: 'http', protocol: 'HTTP', targetPort: 443 },
        { number: 443, name: 'tls', protocol: 'TLS' },
      ],
    },
  };
  const rule = (name: string, namespace: string, spec: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name, namespace },
    spec,
  });
  const proposed = (namespace: string, ...others: object[]) => {
    const objects = [entry, ...others].map((manifest, index) => ({
      manifest: manifest as Manifest,
      origin: `document ${index + 1}`,
    }));
    const caller = { namespace, serviceAccount: 'checkout' };
    const request = { url: 'http://edition.cnn.com/' };
    const model = EgressModel.of(objects);
    return smallestChange(model, caller, request, model.ask(caller, request));
  };

  test.each(['shop', 'billing'])(
    'gets the missing rule in the namespace of the entry, exported like it: %s',
    (namespace) => {
      const change = proposed(namespace);
      expect(change?.text).toBe(`add DestinationRule shop/edition-cnn-com-tls:
  apiVersion: networking.istio.io/v1
  kind: DestinationRule
  metadata:
    name: edition-cnn-com-tls
    namespace: shop
  spec:
    host: edition.cnn.com
    exportTo:
      - "."
      - billing
    trafficPolicy:
      portLevelSettings:
        - port:
            number: 80
          tls:
            mode: SIMPLE
            sni: edition.cnn.com
            subjectAltNames:
              - edition.cnn.com`);
      expect(change?.answer).toMatchObject({
        outcome: 'answered',
        tlsOriginatedBy: 'sidecar',
        plaintextToHost: false,
        serverName: 'edition.cnn.com',
        remarks: [],
      });
    },
  );

  test('gets the settings in the rule that the host already has', () => {
    const change = proposed(
      'shop',
      rule('pool', 'shop', {
        host: 'edition.cnn.com',
        exportTo: ['.', 'billing'],
        trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } },
      }),
    );
    expect(change?.text).toBe(
      'DestinationRule shop/pool: add {"port":{"number":80},"tls":{"mode":"SIMPLE","sni":"edition.cnn.com",' +
        '"subjectAltNames":["edition.cnn.com"]}} to spec.trafficPolicy.portLevelSettings',
    );
    expect(change?.answer).toMatchObject({ outcome: 'answered', tlsOriginatedBy: 'sidecar', plaintextToHost: false });
  });

  test('is not routed to a port for clear text, although that change is smaller', () => {
    const change = proposed(
      'shop',
      {
        ...entry,
        metadata: { name: 'clear', namespace: 'shop' },
        spec: { ...entry.spec, ports: [{ number: 8080, name: 'clear', protocol: 'HTTP' }] },
      },
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 'edition', namespace: 'shop' },
        spec: {
          hosts: ['edition.cnn.com'],
          http: [{ route: [{ destination: { host: 'edition.cnn.com', port: { number: 80 } } }] }],
        },
      },
    );
    expect(change?.text).toContain('add DestinationRule shop/edition-cnn-com-tls');
    expect(change?.answer).toMatchObject({ outcome: 'answered', tlsOriginatedBy: 'sidecar', plaintextToHost: false });
  });

  test('is sent in clear text only where nothing else helps, and the change says so', () => {
    const objects = [entry].map((manifest) => ({ manifest, origin: 'document 1' }));
    const world = {
      external: [
        { host: 'edition.cnn.com', address: '192.0.2.1', http: 'ok', https: 'ok', certificate: 'expired' } as const,
      ],
    };
    const caller = { namespace: 'shop', serviceAccount: 'checkout' };
    const request = { url: 'http://edition.cnn.com/' };
    const model = EgressModel.of(objects, world);
    const change = smallestChange(model, caller, request, model.ask(caller, request));
    expect(change?.text).toBe(
      'ServiceEntry shop/edition: remove spec.ports[0].targetPort\n' +
        'this weakens the configuration: the request then leaves in clear text',
    );
    expect(change?.answer.plaintextToHost).toBe(true);
  });
});

test('the lines of a proposed object parse to the object', () => {
  const object = {
    hosts: ['*.example.com', 'no', '~', '.', '10.0.0.0/8', 'a: b'],
    list: [{ port: { number: 80 }, names: ['x', 'y'] }, [1, 2]],
    last: 'word',
  };
  expect(parse(yamlLines(object).join('\n'))).toEqual(object);
});

describe('the gateway side of an example with a mistyped name', () => {
  const example = examples().find(({ name }) => name === 'f-tls-at-gateway')!;
  const caller = example.table.callers[0];
  const url = `http://${example.table.external[0].host}/`;
  const proposed = (mistype: (manifest: any) => void) => {
    const objects = objectsIn(golden(example)).map((written, index) => {
      const manifest = JSON.parse(JSON.stringify(written));
      mistype(manifest);
      return { manifest, origin: `document ${index + 1}` };
    });
    const world = worldOf(example.table);
    const model = EgressModel.of(objects, world);
    const answer = model.ask(caller, { url });
    expect(answer.outcome).toBe('refused');
    return smallestChange(model, caller, { url }, answer);
  };

  test('a VirtualService that names a Gateway that does not exist is bound to the one that does', () => {
    const change = proposed(({ kind, spec }) => {
      if (kind === 'VirtualService' && spec.gateways[0] !== 'mesh') spec.gateways = ['egress/mistyped'];
    });
    expect(change?.text).toMatch(/^VirtualService egress\/.*: set spec\.gateways\[0\] to "egress\//);
    expect(change?.answer.outcome).toBe('answered');
  });

  test('a Gateway that selects no pods gets the labels of existing pods', () => {
    const change = proposed(({ kind, spec }) => {
      if (kind === 'Gateway') spec.selector = { istio: 'mistyped' };
    });
    expect(change?.text).toMatch(/^Gateway egress\/.*: set spec\.selector to /);
    expect(change?.answer.outcome).toBe('answered');
  });
});
