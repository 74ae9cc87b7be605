import { ask, ENTRY } from './support';

const routes = (http: string) =>
  '---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: split, namespace: shop ' +
  `}\nspec: { hosts: [site.example.com], http: [${http}] }\n`;

test('weights give alternatives, and the most likely one is the answer', () => {
  const split =
    '{ route: [{ destination: { host: site.example.com, port: { number: 80 } }, weight: 90 }, { destination: { ' +
    'host: nowhere.example.com }, weight: 10 }] }';
  const answer = ask(`${ENTRY}${routes(split)}`, 'shop/app', 'http://site.example.com/');
  expect(answer).toMatchObject({
    outcome: 'answered',
    alternatives: [{ weight: 10, answer: { outcome: 'refused', by: 'sidecar', symptom: 503 } }],
  });
});

test('an injected fault is an alternative, or the answer at 100%', () => {
  const fault = (value: number) =>
    routes(
      `{ fault: { abort: { httpStatus: 418, percentage: { value: ${value} } } }, route: [{ destination: { ` +
        'host: site.example.com } }] }',
    );
  expect(ask(`${ENTRY}${fault(100)}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'refused',
    symptom: 418,
    by: 'sidecar',
    alternatives: [],
  });
  expect(ask(`${ENTRY}${fault(25)}`, 'shop/app', 'http://site.example.com/')).toMatchObject({
    outcome: 'answered',
    alternatives: [{ weight: 25, answer: { symptom: 418 } }],
  });
});

test('further endpoints are alternatives', () => {
  const entry = ENTRY.replace(
    'resolution: DNS',
    'resolution: STATIC\n  endpoints: [{ address: 203.0.113.1 }, { address: 203.0.113.2 }]',
  );
  expect(ask(entry, 'shop/app', 'https://site.example.com/').alternatives).toHaveLength(1);
});
