/** Which istiod reads an object. */
import { ask, ENTRY, LOCKED, object } from './support';

describe('the revision that an object is for', () => {
  const entry = (label: string) => ENTRY.replace('namespace: shop }', `namespace: shop, labels: { ${label} } }`);

  test('decides whether istiod reads it, where nothing says which it has', () => {
    expect(ask(entry('istio.io/rev: canary'), 'shop/cart', 'http://site.example.com/')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/if istiod has another revision than canary.*refused.*otherwise 200/),
    });
  });

  test('is known where it is the one that all pods have', () => {
    const namespace = (revision: string) =>
      `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { istio.io/rev: ${revision} } }\n`;
    const see = (...revisions: string[]) =>
      ask(entry('istio.io/rev: canary') + revisions.map(namespace).join(''), 'shop/cart', 'http://site.example.com/');
    expect(see('canary')).toMatchObject({ outcome: 'answered' });
    expect(see('stable')).toMatchObject({ outcome: 'undetermined' });
    expect(see('canary', 'stable')).toMatchObject({ outcome: 'undetermined' });
  });

  test('may be a tag, for which istiod reads nothing, unless a mesh configuration has its name', () => {
    const namespace = `---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { istio.io/rev: canary } }\n`;
    const map = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio-canary, namespace: istio-system }\n';
    const see = (more: string) =>
      ask(entry('istio.io/rev: canary') + namespace + more, 'shop/cart', 'http://site.example.com/');
    expect(see('').condition).toMatchObject({ holds: 'canary is the revision of an istiod, and not a tag of one' });
    expect(see(map).condition).toBeUndefined();
    const ofDefault = (more: string) =>
      ask(
        (entry('istio.io/rev: canary') + namespace + more).replaceAll('canary', 'default'),
        'shop/cart',
        'http://site.example.com/',
      ).condition;
    expect(ofDefault('')?.say).toBe('add the ConfigMap istio of that istiod');
    for (const own of [map, map.replace('istio-canary', 'istio')]) expect(ofDefault(own)).toBeUndefined();
  });

  test('may be none of several for which there are objects', () => {
    const one = (revision: string) =>
      entry(`istio.io/rev: ${revision}`).replace('name: site', `name: ${revision}`).replace('---', '');
    const both = ['canary', 'stable'].map((revision) => `---${one(revision)}`).join('');
    expect(ask(both, 'shop/cart', 'http://site.example.com/')).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringMatching(/if istiod has another revision than canary and stable/),
    });
  });

  test('is said by no access table', () => {
    const world = { ...LOCKED, gateways: [], external: [{ host: 'site.example.com', http: 'ok' as const }] };
    const see = (label: string, more = '') => ask(entry(label) + more, 'shop/cart', 'http://site.example.com/', world);
    expect(see('istio.io/rev: canary').outcome).toBe('undetermined');
    expect(see('app: site').outcome).toBe('answered');
    const namespace =
      '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { istio.io/rev: canary } }\n';
    expect(see('istio.io/rev: canary', namespace).condition).toMatchObject({
      holds: 'canary is the revision of an istiod, and not a tag of one',
    });
  });

  test('does not matter to a request that does not need the object', () => {
    const other = entry('istio.io/rev: canary')
      .replace('site.example.com', 'other.example.com')
      .replace('site', 'other');
    const answer = ask(`${ENTRY}---${other}`, 'shop/cart', 'http://site.example.com/');
    expect(answer).toMatchObject({ outcome: 'answered' });
    expect(answer.condition).toBeUndefined();
  });

  test('is read of objects of Istio only', () => {
    const service = object('Service', 'v1', '{ ports: [{ name: http, port: 80 }] }').replace(
      'name: x',
      "name: x, labels: { 'istio.io/rev': canary }",
    );
    expect(ask(ENTRY + service, 'shop/cart', 'http://site.example.com/')).toMatchObject({ outcome: 'answered' });
  });
});
