import { App, Chart, JsonPatch } from 'cdk8s';
import * as istio from '../../imports/networking.istio.io';
import { Caller, GatewayEgress, GatewayInstallation, InstalledEgressGateway, SidecarEgress } from '../../src';

test('what is declared between the checks and the writing is written', () => {
  const app = new App();
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
  const gateway = InstalledEgressGateway.fromInstallation(chart, 'exit', installation);
  const declare = (name: string) =>
    new GatewayEgress(chart, name, {
      gateway,
      hosts: ['api.example.com'],
      callers: [Caller.serviceAccount('shop', name, { podLabels: { app: name } })],
      separateCallers: true,
    });
  const first = declare('checkout');
  for (const { node } of app.node.findAll()) expect(node.validate()).toEqual([]);

  declare('payroll');

  // The routes are shared: those of the second caller are in the object of the first.
  const [routes] = first.callerObjects.filter(({ kind }) => kind === 'VirtualService');
  expect(JSON.stringify(routes.toJson())).toContain('"sourceLabels":{"app":"payroll"}');
});

test('a misspelt field that a patch adds is found', () => {
  const app = new App();
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const { apiObjects } = new SidecarEgress(chart, 'site', { hosts: ['api.example.com'] });
  for (const object of apiObjects.filter(({ kind }) => kind === 'ServiceEntry'))
    object.addJsonPatch(JsonPatch.add('/spec/exportsTo', ['.']));
  expect(() => app.synth()).toThrow('unknown-field: ServiceEntry shop/api-example-com');
});

test("Istio's objects are made by the generated classes", () => {
  const chart = new Chart(new App(), 'shop', { namespace: 'shop' });
  const objects = new SidecarEgress(chart, 'site', { hosts: ['api.example.com'] }).originateTls('tls').apiObjects;
  expect(objects.map(({ constructor }) => constructor)).toEqual(
    objects.map(({ kind }) => istio[kind as 'ServiceEntry']),
  );
  expect(objects).not.toEqual([]);
});
